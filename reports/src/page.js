(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const tip = document.getElementById('tip');
  const hide = () => { tip.hidden = true; };
  // rows of a chart: [look, x, y, text, x, y, text, …] in the drawing's own pixels
  const points = row => {
    const list = [];
    for (let i = 1; i < row.length; i += 3) list.push(row.slice(i, i + 3));
    return list;
  };
  const seen = (svg, s) => {
    const group = svg.querySelector(`g[data-s="${s}"]`);
    const line = group && group.firstElementChild;
    return line && getComputedStyle(line).display !== 'none';
  };
  const show = (svg, [x, y, text]) => {
    const box = svg.getBoundingClientRect();
    const scale = box.width / svg.viewBox.baseVal.width;
    tip.textContent = data.t[text];
    tip.hidden = false;
    const left = box.left + x * scale;
    const top = box.top + y * scale;
    const width = tip.offsetWidth;
    const height = tip.offsetHeight;
    tip.style.left = scrollX + Math.max(4, Math.min(left + 12, innerWidth - width - 12)) + 'px';
    tip.style.top = scrollY + (top - height - 10 < 0 ? top + 14 : top - height - 10) + 'px';
  };
  for (const svg of document.querySelectorAll('svg[data-c]')) {
    const rows = (data.c[svg.dataset.c] || []).map(points);
    svg.addEventListener('pointermove', event => {
      const box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      let best = null;
      let least = 36 * 36;
      rows.forEach((row, s) => {
        if (!row.length || !seen(svg, s)) return;
        for (const point of row) {
          const dx = box.left + point[0] * scale - event.clientX;
          const dy = box.top + point[1] * scale - event.clientY;
          if (dx * dx + dy * dy < least) { least = dx * dx + dy * dy; best = point; }
        }
      });
      if (best) show(svg, best); else hide();
    });
    svg.addEventListener('pointerleave', hide);
    for (const group of svg.querySelectorAll('g[data-s]')) {
      const row = rows[group.dataset.s] || [];
      let at = row.length - 1;
      if (at < 0) { group.removeAttribute('tabindex'); continue; }
      group.addEventListener('focus', () => show(svg, row[at]));
      group.addEventListener('blur', hide);
      group.addEventListener('keydown', event => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (event.key === 'Escape') hide();
        if (!step) return;
        event.preventDefault();
        at = Math.max(0, Math.min(row.length - 1, at + step));
        show(svg, row[at]);
      });
    }
  }
  // A link into something folded opens it.
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest('details');
    if (folded && !folded.open) { folded.open = true; target.scrollIntoView(); }
  };
  addEventListener('hashchange', open);
  open();
})();
