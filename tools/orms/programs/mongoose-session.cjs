// usage: mongoose-session.cjs [broken]. A session that an early return does not end.
const mongoose = require('mongoose');
const { jobs } = require('./jobs.cjs');

const Order = mongoose.model('Order', new mongoose.Schema({ n: Number }));
const ready = mongoose.connect(process.env.MONGODB_URL, { autoIndex: false });

jobs(async (isRefused) => {
  await ready;
  const session = await mongoose.startSession(); // planted
  await Order.findOne().session(session);
  if (isRefused) return;
  await session.endSession();
});
