// In charge of what the npm client graphql-ws makes of the server at process.argv[2]: prints one JSON object. A test
// reads it. The npm packages lie in the folder NODE_PATH names.
const { createClient } = require('graphql-ws');
const url = process.argv[2];
const make = (payload) => createClient({ url, webSocketImpl: require('ws'), retryAttempts: 0, connectionParams: payload });
const once = (client, payload) => new Promise((resolve, reject) => {
  let found;
  client.subscribe(payload, { next: (one) => { found = one; }, error: reject, complete: () => resolve(found) });
});

(async () => {
  const told = {};
  const admin = make({ access_token: 'admin-token' });
  told.query = await once(admin, { query: '{ people(sort: ["id"]) { data { name } } }' });
  const events = [];
  const iterator = admin.iterate({ query: 'subscription { people_mutated { event data { name } } }' });
  const live = admin.iterate({ query: 'subscription { people_live(sort: ["id"]) { data { name } } }' });
  told.live = [(await live.next()).value];
  const first = iterator.next();
  // The subscription was sent before this mutation on the same socket, and is taken in order.
  told.mutation = await once(admin, {
    query: 'mutation($name: String!) { create_people_item(data: {name: $name}) { name } }', variables: { name: 'Cy' },
  });
  events.push((await first).value);
  told.live.push((await live.next()).value);
  await once(admin, { query: 'mutation { update_people_item(id: "1", data: {name: "Eve"}) { name } }' });
  events.push((await iterator.next()).value);
  told.events = events;
  await iterator.return();
  await live.return();
  told.wrong = await once(admin, { query: 'subscription { nothing }' }).catch((error) => error.map((one) => one.message));
  told.closed = await once(make({ access_token: 'nobody knows it' }), { query: '{ __typename }' })
    .catch((event) => [event.code, event.reason]);
  await admin.dispose();
  console.log(JSON.stringify(told));
})().catch((error) => { console.error(error); process.exit(1); });
