/** The page of the job manager: asks the API every two seconds. No script or style of elsewhere. */
export const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>job manager</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
td { font-variant-numeric: tabular-nums } h2 { font-size: 1.1rem } #said { color: #c33 }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: .5rem 1.5rem } dd { margin: 0; font-size: 1.3rem }
</style></head>
<body><h1>Job manager</h1><p id="said" role="status"></p>
<dl id="overview"></dl>
<h2>Task managers</h2><table><thead><tr><th>id<th>state<th>pid<th>free slots<th>last heartbeat<th>restarts<th>connections<th>threads<th>contexts<th>MB</tr></thead><tbody id="taskmanagers"></tbody></table>
<h2>Jobs</h2><table><thead><tr><th>job<th>state<th>runs<th>id</tr></thead><tbody id="jobs"></tbody></table>
<script>
const token = new URLSearchParams(location.hash.slice(1)).get('token');
const headers = token ? { authorization: 'Bearer ' + token } : {};
const get = async (path) => {
  const answer = await fetch(path, { headers });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
};
const row = (cells) => { const tr = document.createElement('tr'); for (const cell of cells) tr.insertCell().textContent = cell ?? '–'; return tr };
const mb = (bytes) => bytes == null ? null : Math.round(bytes / 1048576);
async function look() {
  try {
    const [{ jobmanager, ...counts }, { taskmanagers }, { jobs }] = await Promise.all([get('/overview'), get('/taskmanagers'), get('/jobs')]);
    const figures = { ...counts, 'job manager, MB of heap': mb(jobmanager.metrics.heapUsed) + ' of ' + mb(jobmanager['heap-limit']), 'job manager, contexts': jobmanager.metrics.contexts, 'job manager, threads': jobmanager.metrics.threads };
    overview.replaceChildren(...Object.entries(figures).flatMap(([name, value]) => {
      const div = document.createElement('div'), dt = document.createElement('dt'), dd = document.createElement('dd');
      dt.textContent = name; dd.textContent = value; div.append(dt, dd); return [div];
    }));
    document.querySelector('#taskmanagers').replaceChildren(...taskmanagers.map((t) => row([t.id, t.state, t.pid, t.freeSlots + ' of ' + t.slotsNumber, t.timeSinceLastHeartbeat + ' ms', t.restarts, t.metrics?.connections, t.metrics?.threads, t.metrics?.contexts, mb(t.metrics?.rss)])));
    document.querySelector('#jobs').replaceChildren(...jobs.slice(0, 100).map((j) => row([j.name, j.state, j.runs, j.id])));
    said.textContent = '';
  } catch (error) { said.textContent = error.message + (token ? '' : ' Add #token=TOKEN to the address.') }
  setTimeout(look, 2000);
}
look();
</script></body></html>
`;
