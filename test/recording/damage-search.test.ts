// A short run of the search that `npm run fuzz -- recordings` makes: recordings of every form with all kinds of damage.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkDamagedRecording } from '../support/damaged-recordings.js';

test('damage makes an error or a counted loss, and nothing worse', async () => {
  for (let seed = 0; seed < 600; seed++) assert.is(await checkDamagedRecording(seed), undefined, `seed ${seed}`);
});

test.run();
