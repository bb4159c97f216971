// BullMQ's ways of working, one a call: `node scenarios.mjs NAME PORT` prints what came of it as JSON.
import { FlowProducer, Job, Queue, QueueEvents, Worker } from "bullmq";

const [name, port] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const queueName = `queue-${name}`;
const open = [];

function opened(thing) {
  open.push(thing);
  return thing;
}

const queue = (other = queueName) => opened(new Queue(other, { connection }));
const worker = (processor, options = {}, other = queueName) =>
  opened(new Worker(other, processor, { connection, ...options }));

async function events(other = queueName) {
  const made = opened(new QueueEvents(other, { connection }));
  await made.waitUntilReady();
  return made;
}

function until(emitter, event, count = 1) {
  return new Promise((resolve) => {
    const seen = [];
    emitter.on(event, (...values) => {
      seen.push(values);
      if (seen.length === count) resolve(seen);
    });
  });
}

const scenarios = {
  async results() {
    const heard = await events();
    worker(async (job) => job.data.number * 2, { concurrency: 5 });
    const jobs = await queue().addBulk([...Array(50).keys()].map((number) => ({ name: "double", data: { number } })));
    return Promise.all(jobs.map((job) => job.waitUntilFinished(heard)));
  },

  async delayed() {
    const order = [];
    const all = queue();
    await all.add("late", {}, { delay: 600 });
    await all.add("early", {}, { delay: 200 });
    await all.add("now", {});
    const counts = await all.getJobCounts("delayed", "waiting");
    const working = worker(async (job) => order.push([job.name, Date.now() - job.timestamp >= (job.opts.delay ?? 0)]));
    await until(working, "completed", 3);
    return { counts, order };
  },

  async repeated() {
    const all = queue();
    const working = worker(async (job) => job.name);
    const done = until(working, "completed", 3);
    await all.upsertJobScheduler("every", { every: 200, limit: 3 }, { name: "again" });
    await all.upsertJobScheduler("nightly", { pattern: "0 3 * * *" }, { name: "night" });
    const schedulers = (await all.getJobSchedulers()).map((found) => found.key).sort();
    const names = (await done).map(([job]) => job.name);
    const removed = await all.removeJobScheduler("nightly");
    return { schedulers, names, removed };
  },

  async flows() {
    const flow = opened(new FlowProducer({ connection }));
    worker(async (job) => job.data.number, {}, `${queueName}-children`);
    const parents = worker(async (job) =>
      Object.values(await job.getChildrenValues()).reduce((sum, number) => sum + number, 0),
    );
    const done = until(parents, "completed");
    await flow.add({
      name: "sum",
      queueName,
      children: [1, 2, 3].map((number) => ({ name: "part", queueName: `${queueName}-children`, data: { number } })),
    });
    return (await done)[0][0].returnvalue;
  },

  async retries() {
    const attempts = [];
    const all = queue();
    const heard = await events();
    worker(async (job) => {
      attempts.push(job.attemptsMade);
      if (job.name === "never" || job.attemptsMade < 2) throw new Error("as it should");
      return "at last";
    });
    const job = await all.add("third", {}, { attempts: 3, backoff: { type: "exponential", delay: 50 } });
    const result = await job.waitUntilFinished(heard);
    const never = await all.add("never", {}, { attempts: 1 });
    const failure = await never.waitUntilFinished(heard).catch((error) => error.message);
    const failed = (await all.getFailed()).map((found) => found.failedReason);
    return { attempts, result, failure, failed };
  },

  async events() {
    const heard = await events();
    const seen = [];
    for (const event of ["added", "waiting", "active", "progress", "completed"])
      heard.on(event, ({ jobId, data }) => seen.push([event, jobId, data ?? null]));
    const completed = until(heard, "completed");
    worker(async (job) => job.updateProgress(50));
    await queue().add("job", {}, { jobId: "one" });
    await completed;
    return seen;
  },

  async priorities() {
    const all = queue();
    await all.pause();
    for (const [title, priority] of [["c", 30], ["a", 10], ["b", 20], ["first", 0]]) await all.add(title, {}, { priority });
    const order = [];
    const working = worker(async (job) => order.push(job.name));
    const done = until(working, "completed", 4);
    await all.resume();
    await done;
    return order;
  },

  async rate() {
    const working = worker(async () => Date.now(), { limiter: { max: 2, duration: 400 } });
    const all = queue();
    const done = until(working, "completed", 6);
    await all.addBulk([...Array(6).keys()].map((number) => ({ name: `job-${number}`, data: {} })));
    const times = (await done).map(([job]) => job.returnvalue);
    return times[5] - times[0] >= 700;
  },

  async unique() {
    const all = queue();
    await all.add("one", {}, { jobId: "same" });
    await all.add("one", {}, { jobId: "same" });
    await all.add("two", {}, { deduplication: { id: "also" } });
    await all.add("two", {}, { deduplication: { id: "also" } });
    const waiting = await all.getWaitingCount();
    await all.drain();
    const drained = await all.getWaitingCount();
    const job = await all.add("removed", {});
    await job.remove();
    const gone = (await Job.fromId(all, job.id)) === undefined;
    await all.obliterate({ force: true });
    return { waiting, drained, gone };
  },
};

const result = await scenarios[name]();
await Promise.all(open.reverse().map((thing) => thing.close()));
console.log(JSON.stringify(result));
