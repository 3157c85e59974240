// Draws the time lines with one axis, one cursor and one zoom. The page works without it.
(() => {
  const time = JSON.parse(document.getElementById('time').textContent);
  const plots = [];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const DASHES = [[], [6, 3], [2, 2], [], [6, 3], [2, 2], [8, 2, 2, 2]];
  const STEPS = [
    0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400,
  ];
  const CHART_HEIGHT = 118;
  const LANE_HEIGHT = 18;
  const X_AXIS_HEIGHT = 26;
  const Y_AXIS_WIDTH = 48;

  function clock(seconds) {
    if (time.end < 10) return `${Number(seconds.toFixed(2))} s`;
    const two = (n) => String(n).padStart(2, '0');
    const whole = Math.floor(seconds);
    const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  }

  function short(value) {
    if (Math.abs(value) >= 1e6) return `${value / 1e6} M`;
    return Math.abs(value) >= 1e4 ? `${value / 1e3} k` : String(value);
  }

  // Zoom: what one chart shows, all show.
  let zooming = false;
  function follow(source) {
    if (zooming) return;
    zooming = true;
    const { min, max } = source.scales.x;
    for (const plot of plots) if (plot !== source) plot.setScale('x', { min, max });
    zooming = false;
    const isWhole = min <= 0 && max >= time.end;
    for (const button of document.querySelectorAll('.zoom button')) {
      if (button.value !== 'in') button.disabled = isWhole;
    }
  }
  function see(from, to) {
    const width = Math.min(time.end, Math.max(to - from, time.end / 10_000));
    const min = Math.min(Math.max(0, from), time.end - width);
    plots[0]?.setScale('x', { min, max: min + width });
  }
  const seeAll = () => see(0, time.end);
  /** What the buttons do to a view from `min` to `max`; half or twice as much, or half a view on. */
  const VIEWS = {
    in: (min, max) => see(min + (max - min) / 4, max - (max - min) / 4),
    out: (min, max) => see(min - (max - min) / 2, max + (max - min) / 2),
    earlier: (min, max) => see(min - (max - min) / 2, max - (max - min) / 2),
    later: (min, max) => see(min + (max - min) / 2, max + (max - min) / 2),
    all: seeAll,
  };

  // The legend shows the values at the cursor; beyond it, the last ones known before.
  function valueAt(values, index) {
    for (let i = index; i >= 0; i--) if (values[i] !== null && values[i] !== undefined) return values[i];
    return null;
  }
  function readOut(plot) {
    const index = plot.cursor.idx ?? null;
    const outputs = plot.root.closest('figure').querySelectorAll('li button output');
    for (const [i, output] of outputs.entries()) {
      const value = valueAt(plot.data[i + 1], index ?? plot.data[0].length - 1);
      output.textContent = value === null ? '–' : value.toLocaleString('en-US');
    }
    const at = document.querySelector('.hint output');
    at.textContent = index === null ? '' : clock(plot.posToVal(plot.cursor.left, 'x'));
  }

  function bands(plot, spans, color, top, height) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = color;
    for (const [from, to] of spans) {
      const x = plot.valToPos(from, 'x', true);
      const width = plot.valToPos(to, 'x', true) - x;
      ctx.fillRect(x, top, Math.max(devicePixelRatio, width - devicePixelRatio), height);
    }
    ctx.restore();
  }

  function drawLanes(plot) {
    const { top } = plot.bbox;
    const row = LANE_HEIGHT * devicePixelRatio;
    for (const [i, lane] of time.lanes.entries()) {
      bands(plot, lane.done, css('--s2'), top + i * row + row * 0.42, row * 0.16);
      bands(plot, lane.failed, css('--leak'), top + i * row + row * 0.15, row * 0.7);
    }
  }
  function drawFailures(plot) {
    for (const lane of time.lanes) bands(plot, lane.failed, css('--failed-wash'), plot.bbox.top, plot.bbox.height);
  }
  function drawLimit(plot, limit) {
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(limit, 'y', true));
    ctx.save();
    ctx.strokeStyle = css('--soft');
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  // Flags: a line through all charts, and in their own lane a link to what was found then.
  function drawFlags(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const { at, card } of time.flags) {
      const x = Math.round(plot.valToPos(at, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = css(card ? '--leak' : '--soft');
      ctx.globalAlpha = 0.55;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }
  const FLAG = { width: 26, rows: 3, height: 22 };
  function placeFlags(plot) {
    const links = plot.root.parentElement.querySelectorAll(':scope > .flag');
    const free = Array(FLAG.rows).fill(Number.NEGATIVE_INFINITY);
    for (const [i, link] of links.entries()) {
      const x = plot.valToPos(time.flags[i].at, 'x');
      const { left, width } = plot.over.getBoundingClientRect();
      link.hidden = x < 0 || x > width;
      if (link.hidden) continue;
      const open = free.findIndex((end) => end <= x);
      const row = open < 0 ? FLAG.rows - 1 : open;
      free[row] = x + FLAG.width;
      // A flag that would leave the chart hangs to the left of its pole.
      link.classList.toggle('left', x + FLAG.width > width);
      link.style.left = `${left - plot.root.getBoundingClientRect().left + x}px`;
      link.style.top = `${row * FLAG.height + 4}px`;
    }
  }
  function flagsChart(place, width, last) {
    const links = [...place.closest('figure').querySelectorAll('li .flag')].map((link) => link.cloneNode(true));
    for (const link of links) link.tabIndex = -1;
    place.append(...links);
    const rows = Math.min(FLAG.rows, time.flags.length);
    const base = emptyLane(width, FLAG.height * rows + 8, last, [drawFlags, placeFlags]);
    return new uPlot(base, [time.x, time.x.map(() => null)], place);
  }

  const axis = (more) => ({
    stroke: () => css('--soft'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: () => css('--grid'), width: 1 },
    ticks: { show: false },
    ...more,
  });

  function options(width, height, last) {
    return {
      width,
      height: height + (last ? X_AXIS_HEIGHT : 0),
      padding: [8, 12, last ? 0 : 4, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { size: 6 },
        drag: { x: true, y: false },
        sync: {
          key: 'time',
          setSeries: false,
          filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' },
        },
      },
      scales: { x: { time: false, range: (_, min, max) => [min, max], min: 0, max: time.end } },
      axes: [
        axis({
          size: last ? X_AXIS_HEIGHT : 0,
          incrs: STEPS,
          space: 80,
          values: (_, ticks) => ticks.map((tick) => (last ? clock(tick) : '')),
        }),
      ],
      hooks: { setScale: [(plot, key) => key === 'x' && follow(plot)], setCursor: [readOut] },
    };
  }

  /** A chart without values, of which the hooks draw everything. */
  function emptyLane(width, height, last, draw) {
    const base = options(width, height, last);
    return {
      ...base,
      scales: { ...base.scales, y: { range: [0, 1] } },
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      axes: [...base.axes, axis({ size: Y_AXIS_WIDTH, values: () => [], grid: { show: false } })],
      hooks: { ...base.hooks, draw },
    };
  }
  function lanesChart(place, width, last) {
    const base = emptyLane(width, LANE_HEIGHT * time.lanes.length + 12, last, [drawLanes, drawFlags]);
    return new uPlot(base, [time.x, time.x.map(() => null)], place);
  }

  function chart({ limit, series, dots, isWhole }, place, width, last) {
    const base = options(width, CHART_HEIGHT, last);
    return new uPlot(
      {
        ...base,
        scales: {
          ...base.scales,
          y: { range: (_, __, max) => [0, Math.max(limit, max ?? 0, 1) * 1.08] },
        },
        series: [
          {},
          ...series.map((_, i) => ({
            stroke: () => css(`--s${(i % DASHES.length) + 1}`),
            width: i === 0 ? 2 : 1.5,
            ...(i === 0 ? { fill: () => css('--area') } : {}),
            dash: DASHES[i % DASHES.length],
            spanGaps: true,
            points: { show: dots[i] || time.x.length < 2, size: 5, fill: () => css(`--s${(i % DASHES.length) + 1}`) },
          })),
        ],
        axes: [
          ...base.axes,
          axis({
            size: Y_AXIS_WIDTH,
            space: 32,
            incrs: (isWhole ? [1, 2, 5] : [0.1, 0.5, 1, 2, 5]).concat(
              [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((n) => [10 ** n, 2 * 10 ** n, 5 * 10 ** n]),
            ),
            values: (_, ticks) => ticks.map(short),
          }),
        ],
        hooks: {
          ...base.hooks,
          drawAxes: [drawFailures],
          draw: [drawFlags, ...(limit ? [(plot) => drawLimit(plot, limit)] : [])],
        },
      },
      [time.x, ...series],
      place,
    );
  }

  function draw() {
    const figures = [...document.querySelectorAll('figure.chart')];
    const charts = [...time.charts];
    for (const [i, figure] of figures.entries()) {
      const place = figure.querySelector('.plot');
      const last = i === figures.length - 1;
      const special = { flags: flagsChart, lanes: lanesChart }[figure.classList[1]];
      const make = special ?? chart.bind(null, charts.shift());
      const plot = make(place, place.clientWidth, last);
      plots.push(plot);
      new ResizeObserver(() => {
        if (place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: plot.height });
      }).observe(place);
      for (const [n, button] of figure.querySelectorAll('li button').entries()) {
        button.addEventListener('click', () => {
          const show = button.getAttribute('aria-pressed') === 'false';
          button.setAttribute('aria-pressed', String(show));
          plot.setSeries(n + 1, { show });
        });
      }
      place.addEventListener('dblclick', seeAll);
    }
    for (const button of document.querySelectorAll('.zoom button')) {
      button.addEventListener('click', () => {
        const { min, max } = plots[0].scales.x;
        VIEWS[button.value](min, max);
      });
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const plot of plots) plot.redraw(false, true);
    });
  }
  if (time.charts.length > 0) draw();
})();
