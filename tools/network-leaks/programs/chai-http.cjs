// Each request to an app makes a server for it; since 4.0 it is closed with the answer.
const chai = require('chai');
const { settle, version } = require('./settle.cjs');

chai.use(require(`chai-http-${version}`));
const app = (_, response) => response.end('{}');

async function isUp() {
  const { status } = await chai.request(app).get('/'); // leaks
  return status === 200;
}

settle(isUp);
