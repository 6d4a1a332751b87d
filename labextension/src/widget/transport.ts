/** The ways from the page to the kernel. Each may be missing, or lead nowhere while a cell runs: see controls.ts. */

/** What anywidget hands to a widget, as far as it is used here. */
export interface Model {
  get(name: string): unknown;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name?: string | null, callback?: ((...args: never[]) => void) | null): void;
  send(content: unknown): void;
  readonly widget_manager: Manager;
}

export interface Manager {
  readonly kernel?: Kernel | null;
  get_model?(id: string): Promise<unknown>;
  _create_comm?(target: string, id: string, data: unknown): Promise<{ send(data: unknown): unknown }>;
}

/** As JupyterLab's signals are. */
interface Signal {
  connect(slot: (sender: unknown, told: unknown) => void): unknown;
  disconnect(slot: (sender: unknown, told: unknown) => void): unknown;
}

interface Kernel {
  readonly id?: string;
  readonly clientId?: string;
  readonly username?: string;
  readonly statusChanged?: Signal;
  readonly disposed?: Signal;
  sendControlMessage?(message: unknown, expectReply?: boolean, disposeOnDone?: boolean): unknown;
}

/** Sends one control; false where this way does not exist. It may throw. */
export type Route = (control: object) => boolean | Promise<boolean>;

export const COMM_TARGET = "alloy_nb.control";

/** The routes by their names in the hub's `routes`. `modelId` is the hub's own, as soon as a view has told it. */
export function routesOf(model: Model, modelId: () => string): Readonly<Record<string, Route>> {
  let comm: Promise<{ send(data: unknown): unknown }> | undefined;
  return {
    control: (control) => sendOnControl(model.widget_manager?.kernel, modelId(), control),
    comm: async (control) => {
      const manager = model.widget_manager;
      if (!manager?._create_comm) return false;
      comm ??= manager._create_comm(COMM_TARGET, uuid(), {});
      try {
        (await comm).send(control);
      } catch (error) {
        comm = undefined; // of a kernel that was restarted
        throw error;
      }
      return true;
    },
    message: (control) => {
      model.send(control);
      return true;
    },
  };
}

/** A `comm_msg` where the kernel hears it while a cell blocks. */
function sendOnControl(kernel: Kernel | null | undefined, commId: string, control: object): boolean {
  if (!kernel?.sendControlMessage || !commId) return false;
  const header = {
    msg_id: uuid(),
    msg_type: "comm_msg",
    session: kernel.clientId ?? "",
    username: kernel.username ?? "",
    date: new Date().toISOString(),
    version: "5.2",
  };
  kernel.sendControlMessage(
    {
      header,
      parent_header: {},
      metadata: {},
      content: { comm_id: commId, data: { method: "custom", content: control } },
      channel: "control",
      buffers: [],
    },
    false,
    true,
  );
  return true;
}

/** What a kernel is said to do when nothing of what it did goes on. */
const GONE: readonly unknown[] = ["restarting", "autorestarting", "terminating", "dead"];

/** Calls `gone` when the kernel is, where the page is told such things; returns what ends that. */
export function watchKernel(kernel: Kernel | null | undefined, gone: () => void): () => void {
  const changed = (_: unknown, status: unknown) => {
    if (GONE.includes(status)) gone();
  };
  kernel?.statusChanged?.connect(changed);
  kernel?.disposed?.connect(gone);
  return () => {
    kernel?.statusChanged?.disconnect(changed);
    kernel?.disposed?.disconnect(gone);
  };
}

/** Interrupt the kernel through Jupyter's server; false where that cannot be done from here. */
export async function interrupt(kernelId: string): Promise<boolean> {
  const base = baseUrl();
  if (base === null || !/^[\w-]{1,80}$/.test(kernelId)) return false;
  const token = /(?:^|;\s*)_xsrf=([^;]+)/.exec(document.cookie)?.[1];
  const answer = await fetch(`${base}api/kernels/${kernelId}/interrupt`, {
    method: "POST",
    credentials: "same-origin",
    headers: token ? { "X-XSRFToken": decodeURIComponent(token) } : {},
  });
  return answer.ok;
}

function baseUrl(): string | null {
  const text = document.getElementById("jupyter-config-data")?.textContent;
  if (!text) return null;
  try {
    const url: unknown = (JSON.parse(text) as { baseUrl?: unknown }).baseUrl;
    // A path of this very server; nothing else may be asked.
    return typeof url === "string" && /^\/(?!\/)/.test(url) ? (url.endsWith("/") ? url : `${url}/`) : null;
  } catch {
    return null;
  }
}

/** Unique also where the page is not served safely, and `randomUUID` is missing. */
export function uuid(): string {
  if ((crypto as Partial<Crypto>).randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
