/** The control: a native context with nothing of a job in it. */
exports.plan = () => ({ parallelism: 1 });
