// Draws openapi.json. Whatever comes from the document is put into the page as text, never as markup.
'use strict';

const METHODS = ['get', 'put', 'post', 'patch', 'delete', 'head', 'options'];
const MAX_DEPTH = 6;

const byId = (id) => document.getElementById(id);

// el makes an element; children are elements, text, or nothing.
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ''));
  return node;
}

// prose draws the little of CommonMark that our descriptions use: paragraphs, `code` and **strong**.
function prose(text) {
  return (text || '').split(/\n{2,}/).filter(Boolean).map((paragraph) => el('p', {}, inline(paragraph)));
}

function inline(text) {
  return (text || '').split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) => {
    if (part.startsWith('`')) return el('code', {}, part.slice(1, -1));
    if (part.startsWith('**')) return el('strong', {}, part.slice(2, -2));
    return part.replace(/\s+/g, ' ');
  });
}

// Page draws one document.
class Page {
  constructor(doc) {
    this.doc = doc;
    this.entries = []; // what the search hides and shows
  }

  draw() {
    document.title = `${this.doc.info.title}: the interface, version ${this.doc.info.version}`;
    byId('operations').replaceChildren(...prose(this.doc.info.description));
    byId('contents').replaceChildren();
    for (const tag of this.doc.tags) this.drawGroup(tag);
    const search = byId('search');
    search.disabled = false;
    search.addEventListener('input', () => this.filter(search.value));
  }

  drawGroup(tag) {
    const operations = this.operationsOf(tag.name);
    if (operations.length === 0) return;
    const list = el('ul', {});
    const group = el('section', {}, el('h2', { id: slug(tag.name) }, tag.name), prose(tag.description));
    for (const one of operations) {
      const drawn = this.drawOperation(one);
      const entry = el('li', {}, el('a', { href: `#${one.operation.operationId}` }, one.operation.summary));
      list.append(entry);
      group.append(drawn);
      const text = `${one.method} ${one.path} ${one.operation.summary} ${one.operation.description || ''}`.toLowerCase();
      this.entries.push({ text, nodes: [drawn, entry], group: [group] });
    }
    byId('contents').append(el('h2', {}, el('a', { href: `#${slug(tag.name)}` }, tag.name)), list);
    byId('operations').append(group);
  }

  operationsOf(tag) {
    const found = [];
    for (const [path, item] of Object.entries(this.doc.paths)) {
      for (const method of METHODS) {
        const operation = item[method];
        if (operation && operation.tags.includes(tag)) found.push({ method, path, operation });
      }
    }
    return found.sort((a, b) => a.path.localeCompare(b.path) || METHODS.indexOf(a.method) - METHODS.indexOf(b.method));
  }

  // drawOperation draws the line of an operation; the rest is drawn when it is first opened.
  drawOperation({ method, path, operation }) {
    const details = el('details', { id: operation.operationId, class: 'operation' },
      el('summary', {},
        el('span', { class: `method ${method}` }, method.toUpperCase()),
        el('code', {}, path),
        el('span', { class: 'what' }, operation.summary)));
    details.addEventListener('toggle', () => {
      if (!details.open || details.dataset.drawn) return;
      details.dataset.drawn = 'yes';
      details.append(...this.drawRest({ method, path, operation }));
    });
    return details;
  }

  drawRest(one) {
    const { operation } = one;
    return [
      ...prose(operation.description),
      this.drawParameters(operation.parameters || []),
      this.drawBody(operation.requestBody),
      el('h3', {}, 'Try it'), el('pre', {}, this.curl(one)),
      el('h3', {}, 'Answers'), ...this.drawAnswers(operation.responses || {}),
    ].filter(Boolean);
  }

  drawParameters(parameters) {
    if (parameters.length === 0) return null;
    const rows = parameters.map((p) => el('tr', {},
      el('td', {}, el('code', {}, p.name), p.required ? el('span', { class: 'required' }, ' required') : ''),
      el('td', {}, p.in),
      el('td', {}, this.typeName(p.schema || {})),
      el('td', {}, inline(p.description || ''), this.limits(p.schema || {}))));
    return el('div', {}, el('h3', {}, 'Parameters'), el('div', { class: 'scroll' }, el('table', {},
      el('thead', {}, el('tr', {}, ['Name', 'In', 'Type', 'Meaning'].map((text) => el('th', { scope: 'col' }, text)))),
      el('tbody', {}, rows))));
  }

  drawBody(body) {
    if (!body) return null;
    return el('div', {}, el('h3', {}, body.required ? 'Body, required' : 'Body'), prose(body.description),
      this.drawContent(body.content || {}));
  }

  drawAnswers(responses) {
    return Object.keys(responses).sort().map((status) => {
      const response = this.resolve(responses[status]);
      return el('details', { class: 'answer' },
        el('summary', {}, el('code', {}, status), ' ', el('span', {}, inline(response.description))),
        this.drawHeaders(response.headers || {}), this.drawContent(response.content || {}));
    });
  }

  drawHeaders(headers) {
    const names = Object.keys(headers);
    if (names.length === 0) return null;
    return el('ul', { class: 'properties' }, names.map((name) => {
      const header = this.resolve(headers[name]);
      return el('li', {}, el('code', {}, name), ': ', inline(header.description || (header.schema || {}).description || 'header'));
    }));
  }

  drawContent(content) {
    return el('div', {}, Object.entries(content).map(([type, media]) => el('div', {},
      el('p', { class: 'type' }, type),
      media.example !== undefined ? el('pre', {}, printed(media.example)) : null,
      this.drawSchema(media.schema || {}, 0))));
  }

  // drawSchema lists the members of an object, each with its type and, where it is an object itself, its own members.
  drawSchema(schema, depth) {
    const plain = this.resolve(schema);
    if (depth > MAX_DEPTH) return null;
    if (plain.type === 'array') return this.drawSchema(plain.items || {}, depth);
    const choices = plain.oneOf || plain.anyOf;
    if (choices && !plain.properties) {
      const object = choices.map((choice) => this.resolve(choice)).find((choice) => choice.properties);
      return object ? this.drawSchema(object, depth) : null;
    }
    const names = Object.keys(plain.properties || {});
    if (names.length === 0) return null;
    return el('ul', { class: 'properties' }, names.map((name) => this.drawProperty(plain, name, depth)));
  }

  drawProperty(owner, name, depth) {
    const schema = owner.properties[name];
    const required = (owner.required || []).includes(name);
    const line = [
      el('code', {}, name), ' ', el('span', { class: 'kind' }, this.typeName(schema)),
      required ? el('span', { class: 'required' }, ' always') : '',
      schema.description ? ': ' : '', inline(schema.description || ''), this.limits(schema),
    ];
    const inner = this.drawSchema(schema, depth + 1);
    if (!inner) return el('li', {}, line);
    return el('li', {}, el('details', {}, el('summary', {}, line), inner));
  }

  typeName(schema) {
    if (schema.$ref) return schema.$ref.split('/').pop();
    const choices = schema.oneOf || schema.anyOf;
    if (choices) return choices.map((choice) => this.typeName(choice)).join(' or ');
    if (schema.type === 'array') return `list of ${this.typeName(schema.items || {})}`;
    const types = [].concat(schema.type || 'anything').join(' or ');
    return schema.format && !['int32', 'int64', 'double'].includes(schema.format) ? `${types} (${schema.format})` : types;
  }

  limits(schema) {
    const said = [];
    const values = schema.enum || (schema.items && schema.items.enum);
    if (values) said.push(`one of ${values.join(', ')}`);
    if (schema.default !== undefined) said.push(`default ${printed(schema.default)}`);
    if (schema.minimum !== undefined) said.push(`at least ${schema.minimum}`);
    if (schema.maximum !== undefined) said.push(`at most ${schema.maximum}`);
    return said.length === 0 ? '' : el('span', { class: 'limits' }, ` (${said.join('; ')})`);
  }

  // curl gives the line that does the request from a shell, with the example of the document as its body.
  curl({ method, path, operation }) {
    const parts = ['curl --cacert ca.pem'];
    if ((operation.security || []).length > 0) parts.push('-H "password: $PASSWORD"');
    if (method !== 'get') parts.push(`-X ${method.toUpperCase()}`);
    const url = new URL(path.slice(1).replace(/[{}]/g, ''), new URL('.', location.href)).href;
    parts.push(quoted(url));
    const json = ((operation.requestBody || {}).content || {})['application/json'];
    if (json && json.example !== undefined) {
      parts.push('-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(json.example))}`);
    }
    return parts.join(' \\\n  ');
  }

  resolve(node) {
    let found = node;
    for (let i = 0; found && found.$ref && i < MAX_DEPTH; i++) {
      found = found.$ref.slice(2).split('/').reduce((at, key) => (at || {})[key], this.doc);
    }
    return found || {};
  }

  filter(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = new Set();
    for (const entry of this.entries) {
      const fits = words.every((word) => entry.text.includes(word));
      for (const node of entry.nodes) node.hidden = !fits;
      if (fits) entry.group.forEach((group) => shown.add(group));
    }
    for (const entry of this.entries) for (const group of entry.group) group.hidden = !shown.has(group);
  }
}

function slug(text) {
  return `group-${text.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
}

function printed(example) {
  return typeof example === 'string' ? example : JSON.stringify(example, null, 2);
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// say shows one line to the reader, or takes it away.
function say(text) {
  byId('status').textContent = text;
  byId('status').hidden = text === '';
}

// openTarget opens the operation that the address names.
function openTarget() {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target instanceof HTMLDetailsElement) target.open = true;
  target.scrollIntoView();
}

// load fetches the document, with a credential once the reader has given one.
async function load(secret) {
  const form = byId('credential');
  try {
    const answer = await fetch(new URL('openapi.json', location.origin + location.pathname), { headers: secret ? { password: secret } : {} });
    if (answer.status === 401 || answer.status === 403) {
      form.hidden = false;
      byId('secret').focus();
      say(secret ? 'This credential may not read.' : '');
      return;
    }
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    new Page(await answer.json()).draw();
    form.hidden = true;
    byId('secret').value = '';
    say('');
    openTarget();
  } catch (error) {
    say(`The document could not be loaded: ${error.message}`);
  }
}

byId('credential').addEventListener('submit', (event) => {
  event.preventDefault();
  load(byId('secret').value);
});
window.addEventListener('hashchange', openTarget);
load('');
