// The jobs that this page has begun, with their progress, so that they go on being shown whichever page is open.

import { changed, type Job } from "./api";
import { count } from "./format";
import { json, Refused, sentence, Unreachable } from "./http";
import { notices } from "./notices.svelte";

export interface Running {
  id: number;
  title: string;
  said: string;
  /** From 0 to 1; null where nobody knows how much there is. */
  part: number | null;
  job: Job | null;
  isStopping: boolean;
}

const PAUSE = 400;

/** How far a job is, in words and as a part of the whole. */
export function progressOf(job: Job): { said: string; part: number | null } {
  const found = job.progress as { done?: number; total?: number | null };
  if (found.done !== undefined) {
    const part = found.total ? Math.min(1, found.done / found.total) : null;
    return { said: found.total ? `${count(found.done)} of ${count(found.total)}` : `${count(found.done)} done`, part };
  }
  const told = Object.entries(job.progress).filter(([name, value]) => typeof value === "number" && value > 0 && ["added", "updated", "skipped", "failed"].includes(name));
  return { said: told.length ? told.map(([name, value]) => `${count(value as number)} ${name === "added" ? "new" : name}`).join(", ") : "At work …", part: null };
}

class Work {
  running = $state<Running[]>([]);
  #last = 0;

  /** Begin something long, show how far it is, and say at the end what came of it. */
  async follow(title: string, begin: (told: (said: string, part: number | null) => void) => Promise<Job>, done: (job: Job) => string): Promise<boolean> {
    const id = ++this.#last;
    this.running.push({ id, title, said: "Starts …", part: null, job: null, isStopping: false });
    const mine = (): Running | undefined => this.running.find((one) => one.id === id);
    const tell = (said: string, part: number | null): void => {
      const entry = mine();
      if (entry) [entry.said, entry.part] = [said, part];
    };
    try {
      let job = await begin(tell);
      while (job.state === "running") {
        const entry = mine();
        if (entry) entry.job = job;
        const { said, part } = progressOf(job);
        tell(said, part);
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        job = await this.#look(job, tell);
      }
      if (job.state === "cancelled") notices.say(`${title} was stopped. What was done stays.`);
      else if (job.error) throw new Error(job.error.hint ? `${job.error.message} ${job.error.hint}` : job.error.message);
      else notices.say(done(job));
      return job.state === "done";
    } catch (error) {
      notices.fault(`${title}: ${sentence(error)}`);
      return false;
    } finally {
      this.running = this.running.filter((one) => one.id !== id);
      changed();
    }
  }

  async stop(entry: Running): Promise<void> {
    if (!entry.job) return;
    entry.isStopping = true;
    try {
      await json(`jobs/${entry.job.id}/cancel`, { method: "POST" });
    } catch (error) {
      entry.isStopping = false;
      notices.fault(sentence(error));
    }
  }

  /** The job as it is now; while the server is away, it is waited for. */
  async #look(job: Job, tell: (said: string, part: number | null) => void): Promise<Job> {
    for (;;) {
      try {
        return await json<Job>(`jobs/${job.id}`);
      } catch (error) {
        if (error instanceof Refused && error.status === 404) throw new Error("The server was stopped meanwhile. The page of imports resumes an import where it stopped.");
        if (!(error instanceof Unreachable)) throw error;
        tell("Waits for the server …", null);
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    }
  }
}

export const work = new Work();
