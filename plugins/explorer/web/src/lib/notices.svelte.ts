// Short messages at the lower edge: what was done, with a way to undo it, and what went wrong, with a way to try again.

export interface Notice {
  id: number;
  text: string;
  bad: boolean;
  action?: Action | undefined;
  more?: Action | undefined;
}

interface Action {
  name: string;
  run: () => unknown;
}

class Notices {
  list = $state<Notice[]>([]);
  #last = 0;

  /** Tell something for a while; gives the number with which it is closed before. */
  say(text: string, action?: Action, more?: Action): number {
    this.#add({ id: ++this.#last, text, bad: false, action, more }, 8000);
    return this.#last;
  }

  fault(text: string, action?: Action): void {
    this.#add({ id: ++this.#last, text, bad: true, action }, 0);
  }

  close(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(notice: Notice, milliseconds: number): void {
    this.list = [...this.list.filter((one) => one.text !== notice.text).slice(-3), notice];
    if (milliseconds) setTimeout(() => this.close(notice.id), milliseconds);
  }
}

export const notices = new Notices();
