// A store that leases for two modules; no scopes.
import { setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';
import { countInvoices, invoice } from './invoices.mjs';
import { reserve } from './stock.mjs';
import { store } from './store.mjs';

run(
  async () => {
    for (let n = 0; n < 80; n++) {
      await reserve(n);
      await invoice(n).catch(() => {});
      await countInvoices(n).catch(() => {});
      await sleep(6);
    }
  },
  () => ({ borrowed: store.borrowed }),
);
