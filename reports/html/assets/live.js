// Renews the live view, as long as the page is looked at and somebody wants it. The page works without it.
(() => {
  const live = document.getElementById('live');
  const renew = document.getElementById('renew');
  const news = document.getElementById('news');
  const EVERY_MS = 2000;
  let text = live.innerHTML;

  async function look() {
    if (document.hidden || !renew.checked) return;
    try {
      const answer = await fetch('/view');
      const next = await answer.text();
      if (!answer.ok || next === text) return;
      const before = live.querySelector('h1')?.textContent;
      text = next;
      live.innerHTML = next;
      const now = live.querySelector('h1')?.textContent;
      // said aloud only when the verdict is another
      if (now !== before) news.textContent = now;
    } catch {
      renew.checked = false;
      news.textContent = 'outlive watch has ended: this is what it saw last.';
    }
  }
  setInterval(look, EVERY_MS);
})();
