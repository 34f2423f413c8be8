// In charge of letting @directus/sdk-js talk to a server, one call for each line that comes in: {id, on, call, args}, on
// which it answers {id, value} or {id, error}. It asserts nothing. Started with {url, project, mode, persist, …} as its
// one argument; the npm packages lie in the folder NODE_PATH names.
const { createInterface } = require('readline');

// The SDK's own timer ticks every ten seconds: here a hundred times as often.
const { setInterval: tick } = global;
global.setInterval = (work, pause, ...more) => tick(work, pause / 100, ...more);
// A login that fails leaves a second promise behind that nobody awaits; in a browser that is a line in the console.
process.on('unhandledRejection', () => {});
const SDK = require('@directus/sdk-js').default;

const kept = new Map();
const storage = {
  getItem: (key) => (kept.has(key) ? kept.get(key) : null),
  setItem: (key, value) => kept.set(key, String(value)),
  removeItem: (key) => kept.delete(key),
};
const cookies = new Map();
const requests = [];
const options = JSON.parse(process.argv[2]);

// What a browser does, and axios in Node does not: keep cookies, and send them where credentials are wanted.
const like_a_browser = (xhr) => {
  xhr.interceptors.request.use((config) => {
    requests.push(`${config.method.toUpperCase()} ${config.url}`);
    if (config.withCredentials && cookies.size) {
      config.headers.Cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    }
    return config;
  });
  xhr.interceptors.response.use((response) => {
    for (const line of response.headers['set-cookie'] || []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === '' || /expires=Thu, 01 Jan 1970|max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  });
};

const made = () => {
  const client = new SDK({ ...options, ...(options.persist ? { storage } : {}) });
  like_a_browser(client.api.xhr);
  return client;
};
let client = made();

const own = {
  methods: () => Object.getOwnPropertyNames(SDK.prototype).filter((name) => name !== 'constructor'),
  requests: () => requests.splice(0),
  cookies: () => Object.fromEntries(cookies),
  kept: () => Object.fromEntries([...kept].map(([key, value]) => [key, JSON.parse(value)])),
  token: () => client.config.token || null,
  again: () => { client = made(); },
  requested: (wanted) => new Promise((resolve) => {
    const look = tick(() => {
      if (requests.some((one) => one.includes(wanted))) { clearInterval(look); resolve(true); }
    }, 5);
  }),
  // A form as browsers make it: the parts are [name, text] or [name, base64, file name, type].
  upload: (parts) => {
    const boundary = 'a-boundary-of-the-test';
    const body = parts.map(([name, content, filename, type]) => Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"`
        + (filename ? `; filename="${filename}"\r\nContent-Type: ${type}` : '') + '\r\n\r\n'),
      Buffer.from(content, filename ? 'base64' : 'utf8'), Buffer.from('\r\n'),
    ]));
    const form = Buffer.concat([...body, Buffer.from(`--${boundary}--\r\n`)]);
    const typed = client.api.xhr.interceptors.request.use((config) => {
      config.headers['Content-Type'] = `multipart/form-data; boundary=${boundary}`;
      return config;
    });
    return client.uploadFiles(form, () => {}).finally(() => client.api.xhr.interceptors.request.eject(typed));
  },
};

const plain = (value) => {
  if (value instanceof ArrayBuffer || Buffer.isBuffer(value)) return { base64: Buffer.from(value).toString('base64') };
  return value === undefined ? null : value;
};
const failed = (error) => {
  const answer = (error.info && error.info.error && error.info.error.response) || error.response;
  return {
    message: error.message, code: error.code === undefined ? null : error.code,
    number: error.info ? error.info.code : null, status: answer ? answer.status : null,
  };
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, on, call, args } = JSON.parse(line);
  const target = { own, client, api: client.api }[on];
  let told;
  try {
    told = { id, value: plain(await target[call](...args)) };
  } catch (error) {
    told = { id, error: failed(error) };
  }
  process.stdout.write(JSON.stringify(told) + '\n');
}).on('close', () => process.exit(0));
