// Moves between findings, filters them, and opens on paper what is folded. The page works without it.
(() => {
  const findings = [...document.querySelectorAll('.finding')];
  const isShown = (card) => !card.hidden;

  /** Shows the findings that have all the words, in whatever case. */
  const filter = document.querySelector('.filter');
  const input = filter?.querySelector('input');
  if (filter) filter.hidden = false;
  function sift() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const card of findings) {
      const text = card.textContent.toLowerCase();
      card.hidden = !words.every((word) => text.includes(word));
    }
    const shown = findings.filter(isShown).length;
    filter.querySelector('output').textContent = words.length ? `${shown} of ${findings.length} shown` : '';
  }
  function showAll() {
    if (!input || input.value === '') return;
    input.value = '';
    sift();
  }
  input?.addEventListener('input', sift);
  input?.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      showAll();
      input.blur();
    } else if (event.key === 'Enter') go(1);
  });
  // a link to a finding that is filtered out shows all again
  addEventListener('hashchange', () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target?.hidden) return;
    showAll();
    target.scrollIntoView();
  });

  function go(step) {
    const shown = findings.filter(isShown);
    const here = shown.indexOf(document.activeElement?.closest('.finding') ?? null);
    const next = shown[here < 0 ? 0 : Math.max(0, Math.min(shown.length - 1, here + step))];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: 'start' });
  }

  const keys = document.querySelector('dialog.keys');
  const help = document.querySelector('button.help');
  help.hidden = false;
  help.addEventListener('click', () => keys.showModal());

  const KEYS = {
    j: () => go(1),
    k: () => go(-1),
    '/': () => {
      input?.focus();
      input?.scrollIntoView({ block: 'nearest' });
    },
    '?': () => keys.showModal(),
    Escape: showAll,
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open || event.target === input) return;
    if (!Object.hasOwn(KEYS, event.key)) return;
    if (event.key === '/') event.preventDefault();
    KEYS[event.key]();
  });

  // Paper shows everything.
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details:not([open])')];
    for (const details of opened) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of opened) details.open = false;
  });
})();
