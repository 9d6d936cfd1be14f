(() => {
  const at = id => document.getElementById(id), svg = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return element;
  };
  const table = at("companies"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const find = at("find"), gaps = at("gaps"), cmp = at("cmp"), panels = at("panels");
  // Of many companies only those of the movers have rows; every one has a line of text, of which a row is made when it is shown.
  const own = [...body.rows], lines = at("lines")?.content.textContent.trim().split("\n").map(line => line.split("\t"));
  const mostShown = 100, known = new Map(own.map(row => [row.id, row]));
  let rows = own, sorting = null;

  // On S3, and in a copy of its folders, a day's folder is trade_date=….
  // A run's own folder has no days beside it.
  if (/\/trade_date=/.test(location.pathname))
    for (const link of document.querySelectorAll("a.day")) {
      link.hidden = location.pathname.includes("/runs/trade_date=");
      link.setAttribute("href", link.getAttribute("href").replace("../", "../trade_date="));
    }

  const button = cell => {
    const button = document.createElement("button");
    button.append(...cell.childNodes);
    cell.prepend(button);
    return button;
  };

  // Sorting. What is not known is last; rows that are pinned stay first.
  const value = (text, column) => {
    const number = parseFloat(text.replace(/,/g, "").replace("−", "-"));
    return column === 0 || text.includes(":") ? text : isNaN(number) ? null : number;
  };
  const sorted = (items, text) => {
    const {column, sign} = sorting, keys = new Map(items.map(item => [item, value(text(item, column), column)]));
    return [...items].sort((one, other) => {
      const [a, b] = [keys.get(one), keys.get(other)];
      return a === b ? 0 : a === null ? 1 : b === null ? -1 : (a < b ? -1 : 1) * sign;
    });
  };
  const order = () => {
    const pinned = [...known.values()].filter(row => row.matches(".pinned"));
    body.replaceChildren(...pinned, ...rows.filter(row => !row.matches(".pinned")));
  };
  heads.forEach((head, column) => {
    if (column === 1) return;
    button(head).onclick = () => {
      const before = head.getAttribute("aria-sort");
      const ascending = before ? before === "descending" : column === 0;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sorting = {column, sign: ascending ? 1 : -1};
      if (lines) return show();
      rows = sorted(rows, (row, column) => row.cells[column].textContent);
      order();
    };
  });

  // Finding.
  const show = () => {
    const text = find.value.trim().toLowerCase();
    if (lines) return showLines(text);
    let shown = 0;
    for (const row of rows) {
      const fits = row.cells[0].textContent.toLowerCase().includes(text) && (!gaps.checked || row.matches(".gap"));
      row.hidden = !fits;
      shown += fits;
    }
    at("shown").textContent = `${shown} of ${rows.length}`;
  };
  // The line's symbol, name and currency come before the columns from the third on.
  const showLines = text => {
    const all = lines.length.toLocaleString("en");
    let fitting = lines.filter(line => `${line[0]} ${line[1]}`.toLowerCase().includes(text) && (!gaps.checked || line[13].includes(" of ")));
    if (sorting) fitting = sorted(fitting, (line, column) => line[column && column + 1]);
    const asItWas = !text && !gaps.checked && !sorting;
    rows = asItWas ? own : fitting.slice(0, mostShown).map(line => known.get(line[0]) ?? made(line));
    order();
    const first = asItWas ? own.length : rows.length;
    at("shown").textContent = first < fitting.length ? `${first} of ${fitting.length.toLocaleString("en")}${fitting.length < lines.length ? `, and of ${all} in all` : ""}` : `${first} of ${all}`;
  };
  const made = ([symbol, name, currency, ...texts]) => {
    const row = document.createElement("tr"), head = document.createElement("th"), bold = document.createElement("b"), small = document.createElement("small");
    row.id = symbol;
    if (texts[10].includes(" of ")) row.className = "gap";
    head.scope = "row";
    bold.textContent = symbol;
    small.textContent = name;
    head.append(bold, " ", small);
    row.append(head, document.createElement("td"));
    texts.forEach((text, column) => {
      const cell = row.insertCell();
      cell.textContent = text;
      if (column === 0 && "mixed" in at("lines").dataset) cell.append(" ", Object.assign(document.createElement("small"), {textContent: currency}));
      if (column === 1) cell.className = text.startsWith("+") ? "up" : text.startsWith("−") ? "dn" : "";
    });
    known.set(symbol, row);
    makePinnable(row);
    return row;
  };
  find.oninput = gaps.onchange = show;
  document.addEventListener("keydown", event => {
    const typing = event.target.matches("input[type=search]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      find.focus();
    } else if (event.key === "Escape" && typing) {
      find.value = "";
      show();
      find.blur();
    }
  });

  // Pinning: the row goes to the top, its line is drawn over the others, and its candles where they are not drawn yet.
  let colour = 0;
  const line = row => {
    const spark = row.querySelector("svg");
    if (!cmp || !spark) return null;
    const [low, high] = spark.dataset.y.split(" ").map(Number), [zero, unit] = cmp.dataset.unit.split(" ").map(Number);
    const [left, right] = cmp.dataset.ends.split(" ").map(Number);
    const across = (right - left) / 116, down = high > low ? (high - low) * unit / 24 : 0, top = zero - high * unit;
    const group = svg("g", { class: `ln own pin c${colour++ % 10}` });
    const path = svg("path", { d: spark.lastChild.getAttribute("d"), transform: `matrix(${across} 0 0 ${down} ${left - 2 * across} ${top - 2 * down})` });
    group.append(path);
    const last = row.cells[3].textContent, taken = [...cmp.querySelectorAll(".pin text")].map(label => +label.getAttribute("y"));
    let y = zero - parseFloat(last.replace("−", "-")) * unit + 4;
    while (taken.some(other => Math.abs(other - y) < 13)) y += 13;
    const label = svg("text", { x: right + 8, y });
    label.textContent = `${row.id.length > 10 ? row.id.slice(0, 9) + "…" : row.id} ${last}`;
    group.append(label);
    return group;
  };
  const candles = row => {
    const [sizes, ...hours] = row.dataset.c.split(";"), [half, labels] = sizes.split(" "), figure = document.createElement("figure"), caption = document.createElement("figcaption");
    caption.textContent = `${row.querySelector("small").textContent} ${row.id} ${row.cells[3].textContent}`;
    const picture = svg("svg", { class: "rg", viewBox: "0 0 340 170", role: "img", "aria-label": `${row.id}: open, high, low, close and volume of each hour` });
    const text = (x, y, anchor, content) => {
      const element = svg("text", { x, y, "text-anchor": anchor });
      element.textContent = content;
      picture.append(element);
    };
    text(labels, 24, "end", row.cells[5].textContent);
    text(labels, 128, "end", row.cells[7].textContent);
    for (const hour of hours) {
      const [label, direction, x, open, high, low, close, volume] = hour.split(" ");
      const top = Math.min(open, close), height = Math.max(1, Math.abs(open - close)), group = svg("g", { class: direction });
      const box = { x: x - half, width: 2 * half };
      group.append(svg("path", { d: `M${x} ${high}V${top}m0 ${height}V${low}` }), svg("rect", { ...box, y: top, height }), svg("rect", { ...box, class: "vol", y: 150 - volume, height: volume }));
      picture.append(group);
      if (hours.length < 13 || label % 3 === 0) text(x, 165, "middle", label);
    }
    figure.append(caption, picture);
    return figure;
  };
  const drawn = new Map();
  const pin = row => {
    const pinned = row.classList.toggle("pinned");
    row.querySelector("button").setAttribute("aria-pressed", pinned);
    order();
    const own = cmp && [...cmp.querySelectorAll("[data-s]")].find(line => line.dataset.s === row.id);
    if (own) own.classList.toggle("pin", pinned);
    if (pinned) {
      const parts = [own ? null : line(row), row.dataset.c ? candles(row) : null];
      if (parts[0]) cmp.append(parts[0]);
      if (parts[1]) panels.append(parts[1]);
      drawn.set(row, parts);
    } else {
      for (const part of drawn.get(row)) part?.remove();
      drawn.delete(row);
    }
    cmp?.classList.toggle("pins", cmp.querySelector(".pin") !== null);
  };
  const makePinnable = row => {
    const cell = row.cells[0], symbol = document.createElement("button");
    symbol.append(cell.firstChild);
    symbol.setAttribute("aria-pressed", false);
    symbol.onclick = () => {
      pin(row);
      symbol.focus();
    };
    cell.prepend(symbol);
  };
  own.forEach(makePinnable);
  const others = at("others");
  if (others) others.textContent = "Find the others, or sort all: the first hundred are shown.";
  const choose = at("choose");
  if (choose) choose.textContent = "Choose companies in the table: their hours are drawn here.";
  document.querySelector(".tools").hidden = false;
  show();
})();
