/** The page of the job manager: asks the API every two seconds. No script or style of elsewhere. */
export const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Job manager</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 16%, transparent); --dim: color-mix(in srgb, currentColor 60%, transparent);
  --good: #1a7f37; --busy: #0969da; --bad: #cf222e; font: 15px/1.45 system-ui, sans-serif }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --busy: #58a6ff; --bad: #ff7b72 } }
body { max-width: 76rem; margin: 0 auto; padding: 1rem 1.25rem 3rem }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.5rem }
h1 { font-size: 1.3rem; margin: .5rem 0 } h2 { font-size: 1rem; margin: 2rem 0 .5rem }
#said { color: var(--bad); margin: 0 } .dim { color: var(--dim) } .stale main { opacity: .45 }
#figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem; margin: 1rem 0 0 }
#figures > div { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem }
#figures dt { color: var(--dim); font-size: .85rem } #figures dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums }
svg { display: block; width: 100%; height: 2rem; color: var(--busy); overflow: visible }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 500; color: var(--dim); font-size: .85rem } td { font-variant-numeric: tabular-nums }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
td.why { white-space: normal; min-width: 16rem; color: var(--bad) } td.id { font-family: ui-monospace, monospace; font-size: .8rem }
.READY, .FINISHED { color: var(--good) } .RUNNING, .STARTING, .CREATED { color: var(--busy) } .LOST, .FAILED { color: var(--bad) } .CANCELED { color: var(--dim) }
.slots { display: inline-flex; gap: 2px; vertical-align: middle; margin-right: .5rem }
.slots i { width: .55rem; height: .9rem; border: 1px solid currentColor; border-radius: 2px; opacity: .7 } .slots i.taken { background: currentColor }
#events { list-style: none; padding: 0; margin: 0 } #events li { padding: .2rem 0; border-bottom: 1px solid var(--line) } #events time { color: var(--dim); margin-right: .75rem }
</style></head>
<body><header><h1>Job manager</h1><span id="about" class="dim"></span><p id="said" role="status"></p></header>
<main><dl id="figures"></dl>
<h2>Task managers</h2><div class="scroll"><table><thead><tr><th>id<th>state<th>host<th>slots<th>last heartbeat<th>restarts<th>connections<th>threads<th>contexts<th>heap<th>memory</tr></thead><tbody id="taskmanagers"></tbody></table></div>
<h2>Jobs</h2><div class="scroll"><table><thead><tr><th>job<th>state<th>runs<th>submitted<th>took<th>id<th>last error</tr></thead><tbody id="jobs"></tbody></table></div>
<h2>What happened</h2><ul id="events"></ul></main>
<script>
const token = new URLSearchParams(location.hash.slice(1)).get('token');
const headers = token ? { authorization: 'Bearer ' + token } : {};
const get = async (path) => {
  const answer = await fetch(path, { headers, signal: AbortSignal.timeout(10000) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
};
const $ = (id) => document.getElementById(id);
const make = (tag, text, className) => { const made = document.createElement(tag); if (text != null) made.textContent = text; if (className) made.className = className; return made };
const row = (cells) => { const tr = make('tr'); for (const cell of cells) { const td = tr.insertCell(); if (cell instanceof Node) td.append(cell); else td.textContent = cell ?? '–' } return tr };
const mb = (bytes) => bytes == null ? null : Math.round(bytes / 1e6) + ' MB';
const span = (ms) => ms < 1e3 ? ms + ' ms' : ms < 6e4 ? (ms / 1e3).toFixed(1) + ' s' : ms < 36e5 ? Math.floor(ms / 6e4) + ' min ' + Math.floor(ms % 6e4 / 1e3) + ' s' : Math.floor(ms / 36e5) + ' h ' + Math.floor(ms % 36e5 / 6e4) + ' min';
const clock = (ms) => new Date(ms).toLocaleTimeString();
/* What was seen since the page was opened: half an hour at most. */
const seen = new Map();
function spark(name, value) {
  const values = seen.get(name) ?? [];
  seen.set(name, values);
  values.push(value);
  if (values.length > 900) values.shift();
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const y = (v) => most === least ? 50 : 95 - 90 * (v - least) / (most - least);
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), line = document.createElementNS(svg.namespaceURI, 'polyline');
  svg.setAttribute('viewBox', '0 0 100 100'); svg.setAttribute('preserveAspectRatio', 'none'); svg.setAttribute('aria-hidden', 'true');
  for (const [key, set] of Object.entries({ fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5, 'vector-effect': 'non-scaling-stroke' })) line.setAttribute(key, set);
  line.setAttribute('points', values.map((v, i) => (values.length > 1 ? 100 * i / (values.length - 1) : 0) + ',' + y(v)).join(' '));
  svg.append(line);
  return svg;
}
function figure(name, value, words = value) { const div = make('div'); div.append(make('dt', name), make('dd', words), spark(name, value)); return div }
function slots({ slotsNumber, freeSlots }) {
  const taken = slotsNumber - freeSlots, all = make('span'), boxes = make('span', null, 'slots');
  for (let i = 0; i < Math.min(slotsNumber, 32); i++) boxes.append(make('i', null, i < taken ? 'taken' : ''));
  all.append(boxes, taken + ' of ' + slotsNumber);
  return all;
}
const sum = (list, of) => list.reduce((total, each) => total + (of(each) ?? 0), 0);
function show({ jobmanager, ...counts }, taskmanagers, jobs, events) {
  const { metrics } = jobmanager, total = counts['slots-total'], taken = total - counts['slots-available'];
  $('about').textContent = 'pid ' + jobmanager.pid + ', up for ' + span(jobmanager['uptime-ms']) + ', seen at ' + clock(Date.now());
  $('figures').replaceChildren(
    figure('jobs running', counts['jobs-running']), figure('jobs failed', counts['jobs-failed']), figure('submissions refused', counts['submissions-refused']),
    figure('slots taken', taken, taken + ' of ' + total),
    figure('database connections', sum(taskmanagers, (t) => t.metrics?.connections)),
    figure('threads', sum(taskmanagers, (t) => t.metrics?.threads) + (metrics.threads ?? 0)),
    figure('contexts, job manager', metrics.contexts),
    figure('heap, job manager', metrics.heapUsed, Math.round(metrics.heapUsed / 1e6) + ' of ' + mb(jobmanager['heap-limit'])));
  $('taskmanagers').replaceChildren(...taskmanagers.map((t) => row([t.id, make('b', t.state, t.state), t.host + ' · ' + t.pid, t.state === 'LOST' ? null : slots(t), span(t.timeSinceLastHeartbeat) + ' ago', t.restarts, t.metrics?.connections, t.metrics?.threads, t.metrics?.contexts, mb(t.metrics?.heapUsed), mb(t.metrics?.rss)])));
  if (taskmanagers.length === 0) $('taskmanagers').append(row(['none has registered yet']));
  $('jobs').replaceChildren(...jobs.slice(0, 100).map((j) => {
    const tr = row([j.name, make('b', j.state, j.state), j.runs, clock(j.created), j.ended == null ? null : span(j.ended - j.created), j.jobid, j.error ?? '']);
    tr.cells[5].className = 'id'; tr.cells[6].className = 'why';
    return tr;
  }));
  if (jobs.length === 0) $('jobs').append(row(['none was submitted yet']));
  if (jobs.length > 100) $('jobs').append(row(['and ' + (jobs.length - 100) + ' older ones']));
  $('events').replaceChildren(...events.toReversed().map(({ time, sentence }) => { const li = make('li'); li.append(make('time', clock(time)), sentence); return li }));
  if (events.length === 0) $('events').append(make('li', 'nothing so far', 'dim'));
}
async function look() {
  try {
    const [overview, { taskmanagers }, { jobs }, { events }] = await Promise.all(['/overview', '/taskmanagers', '/jobs', '/events'].map(get));
    show(overview, taskmanagers, jobs, events);
    $('said').textContent = '';
    document.body.classList.remove('stale');
  } catch (error) {
    document.body.classList.add('stale');
    $('said').textContent = (error instanceof TypeError || error.name === 'TimeoutError' ? 'The job manager does not answer; this is what was seen last.' : error.message) + (token || error.name !== 'Error' ? '' : ' Add #token=TOKEN to the address.');
  }
  setTimeout(look, 2000);
}
look();
</script></body></html>
`;
