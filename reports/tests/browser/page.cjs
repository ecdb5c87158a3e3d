// Opens pages of made-up outcomes as a reader would and says what is wrong,
// one line per problem; exit 1 if there is any. Run by reports/tests/browser.rs:
//   node page.cjs DIR    with DIR/<name>.html
// By hand, for the figures of docs/costs.md:
//   node page.cjs --time DIR    how long each page takes until it answers
const { chromium } = require('playwright-core');
const fs = require('node:fs');
const path = require('node:path');

const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const timing = process.argv[2] === '--time';
const dir = path.resolve(process.argv[timing ? 3 : 2]);
const names = fs.readdirSync(dir).filter(file => file.endsWith('.html')).sort();
const problems = [];
const expect = (condition, text) => { if (!condition) problems.push(text); };

// WCAG contrast of two `rgb()` colours.
const luminance = text => {
  const [r, g, b] = text.match(/[\d.]+/g).map(Number).map(x => x / 255)
    .map(x => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};

async function open(browser, name, options, label) {
  const context = await browser.newContext(options);
  const tab = await context.newPage();
  const url = 'file://' + path.join(dir, name);
  tab.on('console', message => {
    if (['error', 'warning'].includes(message.type())) problems.push(`${name} ${label}: console: ${message.text()}`);
  });
  tab.on('pageerror', error => problems.push(`${name} ${label}: uncaught: ${error.message}`));
  tab.on('dialog', dialog => { problems.push(`${name} ${label}: a script of the data ran`); dialog.dismiss(); });
  tab.on('request', request => {
    const to = request.url();
    if (to !== url && !to.startsWith('data:')) problems.push(`${name} ${label}: request leaves the file: ${to}`);
  });
  await tab.goto(url, { waitUntil: 'load' });
  return { context, tab };
}

async function sideways(tab, name, label) {
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide <= 0, `${name} ${label}: the page scrolls sideways by ${wide} px`);
}

// A comparison and a history are of several runs: no command makes them again.
const ofSeveral = ['compare.html', 'history.html'];

// Every page, at a desk, on a phone, in the dark and without its script.
async function everywhere(browser, name) {
  const views = [
    ['desk', { viewport: { width: 1440, height: 900 }, colorScheme: 'light' }],
    ['dark', { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' }],
    ['phone', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
    ['no script', { viewport: { width: 1024, height: 800 }, javaScriptEnabled: false }],
  ];
  for (const [label, options] of views) {
    const { context, tab } = await open(browser, name, options, label);
    expect((await tab.locator('#verdict p').count()) > 0, `${name} ${label}: no verdict`);
    if (!ofSeveral.includes(name)) {
      expect(await tab.locator('#again pre').first().isVisible(), `${name} ${label}: no command`);
    }
    if (label !== 'no script') {
      await sideways(tab, name, label);
      await tab.evaluate(() => document.querySelectorAll('details').forEach(one => { one.open = true; }));
      await sideways(tab, name, `${label}, all open`);
      await contrasts(tab, name, label);
      if (label !== 'dark') await accessible(tab, name, label);
      if (label === 'desk') await presses(tab, name);
    }
    await context.close();
  }
}

// Each radio button and checkbox changes what its section's figures show, the
// theme's what the page is painted on.
async function presses(tab, name) {
  const { idle, pressed } = await tab.evaluate(() => {
    const state = input => {
      if (input.name === 'theme') return getComputedStyle(document.body).backgroundColor;
      const drawn = [...input.closest('section').querySelectorAll('figure, figure svg *')];
      return drawn.map(element => (element.checkVisibility() ? 1 : 0)).join('');
    };
    const changes = (input, other) => {
      if (other) other.click();
      const before = state(input);
      input.click();
      return state(input) !== before;
    };
    const inputs = [...document.querySelectorAll('input')];
    const idle = inputs.filter(input => {
      if (!input.checkVisibility()) return true;
      if (input.type === 'checkbox') {
        // Whose cells all failed has no line, and none to hide.
        const look = [...input.classList].find(one => /^t\d+$/.test(one))?.replace('t', 's');
        if (look && !input.closest('section').querySelector(`.chart .${look}`)) return false;
        const hides = changes(input);
        return !(changes(input) && hides);
      }
      const others = [...document.getElementsByName(input.name)].filter(other => other !== input);
      // Of the themes `auto` looks like one of the two others.
      const tried = input.name === 'theme' ? others : others.slice(0, 1);
      return !tried.some(other => changes(input, other));
    });
    return { pressed: inputs.length, idle: idle.map(input => input.closest('label').textContent + ' in ' + (input.closest('section')?.id ?? 'nav')) };
  });
  expect(pressed >= 3, `${name}: ${pressed} buttons, not even the three themes`);
  for (const button of idle) problems.push(`${name}: nothing changes by ${button}`);
}

// What a keyboard or a screen reader stumbles over, as axe-core finds it. Its
// rule of contrast is left to `contrasts`, which knows what is painted where.
async function accessible(tab, name, label) {
  await tab.evaluate(axe);
  const found = await tab.evaluate(() => window.axe.run(document, {
    resultTypes: ['violations'], rules: { 'color-contrast': { enabled: false } },
  }));
  for (const { id, impact, help, nodes } of found.violations) {
    if (!['serious', 'critical'].includes(impact)) continue;
    const where = nodes.slice(0, 3).map(node => node.target.join(' ')).join('; ');
    problems.push(`${name} ${label}: ${impact}: ${id}: ${help}: ${nodes.length} × ${where}`);
  }
}

// 4.5 : 1 for text, 3 : 1 for lines, of what is really painted: through all
// opacities and grounds that lie around it.
async function contrasts(tab, name, label) {
  const painted = await tab.evaluate(() => {
    const colour = text => {
      const numbers = text.startsWith('rgb') ? text.match(/[\d.]+/g).map(Number) : [];
      if (numbers.length < 3) throw new Error(`not a colour that this test reads: ${text}`);
      return numbers.length > 3 ? numbers : [...numbers, 1];
    };
    const over = (top, below) => {
      const alpha = top[3] + below[3] * (1 - top[3]);
      const mix = i => (alpha ? (top[i] * top[3] + below[i] * below[3] * (1 - top[3])) / alpha : 0);
      return [mix(0), mix(1), mix(2), alpha];
    };
    const known = new Map();
    const looks = element => {
      if (!known.has(element)) {
        const { backgroundColor, opacity } = getComputedStyle(element);
        known.set(element, { ground: colour(backgroundColor), opacity: Number(opacity) });
      }
      return known.get(element);
    };
    const seen = (element, ink) => {
      let [r, g, b, alpha] = ink;
      for (let at = element; at; at = at.parentElement) {
        const { ground, opacity } = looks(at);
        [r, g, b, alpha] = over([r, g, b, alpha], ground);
        alpha *= opacity;
      }
      const all = over([r, g, b, alpha], [255, 255, 255, 1]);
      return `rgb(${all.slice(0, 3).map(x => x.toFixed(1)).join(', ')})`;
    };
    const list = new Map();
    const add = (element, paint, least) => {
      if (!element.checkVisibility({ visibilityProperty: true })) return;
      const what = `${element.tagName}.${element.getAttribute('class') ?? ''}`;
      const [ink, ground] = [seen(element, colour(paint)), seen(element, [0, 0, 0, 0])];
      list.set([what, ink, ground].join(), [what, ink, ground, least]);
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || ['SCRIPT', 'STYLE'].includes(element.tagName)) continue;
      const style = getComputedStyle(element);
      add(element, element instanceof SVGElement ? style.fill : style.color, 4.5);
    }
    for (const line of document.querySelectorAll('.chart :is(.l, .w, .x, .moment)')) {
      add(line, getComputedStyle(line).stroke, 3);
    }
    return [...list.values()];
  });
  expect(painted.length > 10, `${name} ${label}: only ${painted.length} inks seen`);
  for (const [what, ink, ground, least] of painted) {
    const got = contrast(ink, ground);
    expect(got >= least, `${name} ${label}: ${what} ${ink} on ${ground} has contrast ${got.toFixed(2)}, not ${least}`);
  }
}

// The ramp: hover, focus, toggles, switches, data, links, theme, print.
async function ramp(browser) {
  const name = 'ramp.html';
  const { context, tab } = await open(browser, name, { viewport: { width: 1440, height: 900 }, colorScheme: 'light' }, 'use');
  const systems = ['noop', 'wheel', 'heap', 'tokio', 'redis-asynq'];

  const chart = tab.locator('#load svg.chart:visible').first();
  for (const system of systems) {
    expect((await chart.locator('text', { hasText: system }).count()) === 1, `ramp: ${system} has no label in the first chart`);
  }
  for (const svg of await tab.locator('svg[data-c]:visible').all()) {
    const series = await svg.locator('g[data-s]').count();
    expect(series > 0, `ramp: a chart without series: ${await svg.getAttribute('aria-label')}`);
  }

  // hover
  await chart.scrollIntoViewIfNeeded();
  const place = await chart.evaluate(svg => {
    const [, x, y] = JSON.parse(document.getElementById('data').textContent).c[svg.dataset.c][1];
    const box = svg.getBoundingClientRect();
    const scale = box.width / svg.viewBox.baseVal.width;
    return { x: box.left + x * scale, y: box.top + y * scale };
  });
  await tab.mouse.move(place.x + 2, place.y + 2);
  const tip = tab.locator('#tip');
  expect(await tip.isVisible(), 'ramp: hover shows nothing');
  expect(/1k\/s\ndone 1,?0?00|1k\/s\ndone 1/.test(await tip.textContent()), `ramp: hover says ${JSON.stringify(await tip.textContent())}`);
  await tab.mouse.move(2, 2);
  expect(!(await tip.isVisible()), 'ramp: the hover stays');

  // keyboard
  await chart.locator('g[data-s]').nth(1).focus();
  expect(await tip.isVisible(), 'ramp: focus shows nothing');
  const last = await tip.textContent();
  await tab.keyboard.press('ArrowLeft');
  expect((await tip.textContent()) !== last, 'ramp: arrows do not move along the series');
  await tab.keyboard.press('Escape');
  expect(!(await tip.isVisible()), 'ramp: escape leaves the hover');

  // toggles, scales and loads work by CSS alone
  for (const javaScriptEnabled of [true, false]) {
    const { context, tab } = await open(browser, name, { viewport: { width: 1440, height: 900 }, javaScriptEnabled }, 'toggles');
    const label = javaScriptEnabled ? 'with script' : 'without script';
    const wheel = tab.locator('#load svg.chart:visible').first().locator('text', { hasText: 'wheel' });
    expect(await wheel.isVisible(), `ramp ${label}: wheel is not shown`);
    await tab.locator('#load .legend label', { hasText: 'wheel' }).click();
    expect(!(await wheel.isVisible()), `ramp ${label}: the toggle does not hide wheel`);
    const before = await tab.locator('#load svg.chart:visible').first().getAttribute('data-c');
    await tab.locator('#load .switch label', { hasText: 'linear' }).click();
    const after = await tab.locator('#load svg.chart:visible').first().getAttribute('data-c');
    expect(before !== after, `ramp ${label}: the switch of axes does nothing`);
    await tab.locator('#percentiles .switch label', { hasText: '5k/s' }).first().click();
    const shown = await tab.locator('#percentiles svg.chart:visible').first().getAttribute('aria-label');
    expect(shown.includes('5k/s'), `ramp ${label}: the load's switch shows ${shown}`);
    const data = tab.locator('#load details.data:visible').first();
    await data.locator('summary').click();
    expect((await data.locator('tbody tr:visible').count()) === systems.length, `ramp ${label}: data has not one row per system`);
    await tab.locator('.theme label', { hasText: 'dark' }).click();
    if (javaScriptEnabled) {
      const ground = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(luminance(ground) < 0.1, `ramp ${label}: the dark theme's ground is ${ground}`);
    }
    await context.close();
  }

  // a count in the title leads to its cells
  await tab.locator('.counts a', { hasText: 'disturbed' }).click();
  expect(await tab.locator('#cells-disturbed').isVisible(), 'ramp: the count does not lead to its cells');

  // print: black on white, nothing to press
  await tab.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(!(await tab.locator('.controls').first().isVisible()), 'ramp: print shows the controls');
  expect((await tab.evaluate(() => getComputedStyle(document.body).backgroundColor)) === 'rgb(255, 255, 255)', 'ramp: print is not white');
  const doubled = await tab.evaluate(() => [...document.querySelectorAll('figure')].some(figure =>
    [...figure.querySelectorAll('.draw')].filter(draw => getComputedStyle(draw).display !== 'none').length > 1));
  expect(!doubled, 'ramp: print shows a chart twice');
  await context.close();
}

// From the start of loading until the page's script has run, until it is
// painted, and how long a hover takes to be answered: medians of 11, ms.
async function time(browser, name) {
  const all = [];
  for (let round = 0; round < 11; round += 1) {
    const { context, tab } = await open(browser, name, { viewport: { width: 1440, height: 900 } }, 'time');
    all.push(await tab.evaluate(async () => {
      await new Promise(painted => requestAnimationFrame(() => requestAnimationFrame(painted)));
      const [loading] = performance.getEntriesByType('navigation');
      const paints = performance.getEntriesByName('first-contentful-paint');
      const series = document.querySelector('svg[data-c] g[data-s]');
      const began = performance.now();
      series.focus();
      const tip = document.getElementById('tip').getBoundingClientRect().width;
      return {
        interactive: loading.domContentLoadedEventEnd, loaded: loading.loadEventEnd,
        painted: paints[0].startTime, answer: performance.now() - began, tip,
      };
    }));
    await context.close();
  }
  const median = key => all.map(one => one[key]).sort((a, b) => a - b)[5].toFixed(1);
  console.log(`${name}: interactive ${median('interactive')}, painted ${median('painted')}, `
    + `loaded ${median('loaded')}, a focus answered in ${median('answer')} (tip ${median('tip')} px)`);
}

(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    // A container has no user namespaces for the sandbox; the pages are ours.
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  if (timing) {
    for (const name of names) await time(browser, name);
    await browser.close();
    process.exit(0);
  }
  // Two pages at a time: each has a process of its own.
  const rest = [...names];
  const oneByOne = async () => {
    for (let name = rest.shift(); name; name = rest.shift()) await everywhere(browser, name);
  };
  await Promise.all([oneByOne(), oneByOne()]);
  if (names.includes('ramp.html')) await ramp(browser);
  await browser.close();
  for (const problem of problems) console.log(problem);
  process.exit(problems.length ? 1 : 0);
})().catch(error => { console.log(String(error)); process.exit(2); });
