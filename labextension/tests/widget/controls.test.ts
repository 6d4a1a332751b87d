// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Controls } from "../../src/widget/controls";
import { interrupt, type Model, routesOf } from "../../src/widget/transport";

type Sent = [route: string, control: { id: string; do: string; via: string }];

function ladder(names = ["control", "comm", "message"], missing: string[] = []): { sent: Sent[]; controls: Controls } {
  const sent: Sent[] = [];
  const route = (name: string) => (control: object) => {
    if (missing.includes(name)) return false;
    sent.push([name, control as Sent[1]]);
    return true;
  };
  const routes = { control: route("control"), comm: route("comm"), message: route("message") };
  return { sent, controls: new Controls(() => names, routes) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("The ladder of routes", () => {
  it("tries the next route with the same id after 400 ms without an answer", async () => {
    const { sent, controls } = ladder();
    void controls.send({ do: "stop", run: "r" });
    await vi.advanceTimersByTimeAsync(390);
    expect(sent.map(([name]) => name)).toEqual(["control"]);
    await vi.advanceTimersByTimeAsync(820);
    expect(sent.map(([name]) => name)).toEqual(["control", "comm", "message"]);
    expect(new Set(sent.map(([, control]) => control.id)).size).toBe(1);
  });

  it("stops climbing when it is heard, and begins there the next time", async () => {
    const { sent, controls } = ladder();
    const first = controls.send({ do: "stop" });
    await vi.advanceTimersByTimeAsync(410);
    controls.heard([`${sent[0]![1].id} comm`]);
    expect(await first).toBe(true);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sent).toHaveLength(2);
    expect(sent.map(([name, { via }]) => [name, via])).toEqual([["control", "control"], ["comm", "comm"]]);
    void controls.send({ do: "stop" });
    await vi.advanceTimersByTimeAsync(1_300);
    expect(sent.slice(2).map(([name]) => name)).toEqual(["comm", "message", "control"]);
  });

  it.each(["control", "", "constructor"])("keeps a first route that was merely slow: acknowledged by %j", async (via) => {
    const { sent, controls } = ladder();
    const answer = controls.send({ do: "stop" });
    await vi.advanceTimersByTimeAsync(900);
    controls.heard([`${sent[0]![1].id} ${via}`.trim()]);
    expect(await answer).toBe(true);
    void controls.send({ do: "stop" });
    await vi.advanceTimersByTimeAsync(10);
    expect(sent.map(([name]) => name)).toEqual(["control", "comm", "message", "control"]);
  });

  it("passes over a route that is missing, at once", async () => {
    const { sent, controls } = ladder(["control", "comm", "message"], ["control", "comm"]);
    void controls.send({ do: "stop" });
    await vi.advanceTimersByTimeAsync(20);
    expect(sent.map(([name]) => name)).toEqual(["message"]);
  });

  it("takes a route that was missing as soon as it is there", async () => {
    const missing = ["control"];
    const { sent, controls } = ladder(["control", "comm", "message"], missing);
    void controls.send({ do: "ready" });
    await vi.advanceTimersByTimeAsync(20);
    controls.heard([sent[0]![1].id]);
    missing.pop();
    void controls.send({ do: "hello" });
    await vi.advanceTimersByTimeAsync(20);
    expect(sent.map(([name]) => name)).toEqual(["comm", "control"]);
  });

  it("goes on where a route throws, hangs, or has a name that nobody knows", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    const heard: object[] = [];
    const controls = new Controls(() => ["control", "comm", "constructor", "message"], {
      control: () => {
        throw new Error("closed");
      },
      comm: () => new Promise(() => {}),
      message: (control) => heard.push(control) > 0,
    });
    void controls.send({ do: "stop" });
    await vi.advanceTimersByTimeAsync(900);
    expect(heard).toHaveLength(1);
    expect(warned).toHaveBeenCalledTimes(1);
  });

  it("says so when nothing was heard, and still takes a late answer", async () => {
    const { sent, controls } = ladder();
    const answer = controls.send({ do: "decide" }, 3_000);
    await vi.advanceTimersByTimeAsync(3_001);
    expect(await answer).toBe(false);
    controls.heard([`${sent[0]![1].id} message`, "unknown", 7]);
    controls.heard("nonsense");
    void controls.send({ do: "stop" });
    await vi.advanceTimersByTimeAsync(10);
    expect(sent.at(-1)![0]).toBe("message");
  });
});

describe("The routes", () => {
  const model = (manager: object): Model => ({
    get: () => "",
    on: () => {},
    off: () => {},
    send: vi.fn(),
    widget_manager: manager as Model["widget_manager"],
  });

  it("sends a comm_msg for the hub on the control channel", () => {
    const sendControlMessage = vi.fn();
    const routes = routesOf(model({ kernel: { clientId: "c", sendControlMessage } }), () => "hub-id");
    expect(routes["control"]!({ id: "1", do: "stop" })).toBe(true);
    const [message] = sendControlMessage.mock.calls[0]!;
    expect(message.header.msg_type).toBe("comm_msg");
    expect(message.channel).toBe("control");
    expect(message.content).toEqual({ comm_id: "hub-id", data: { method: "custom", content: { id: "1", do: "stop" } } });
  });

  it("has no control channel without such a kernel, nor before it knows the hub", () => {
    expect(routesOf(model({}), () => "hub-id")["control"]!({})).toBe(false);
    expect(routesOf(model({ kernel: { sendControlMessage: vi.fn() } }), () => "")["control"]!({})).toBe(false);
  });

  it("opens one comm of its own and keeps it", async () => {
    const send = vi.fn();
    const create = vi.fn(async () => ({ send }));
    const routes = routesOf(model({ _create_comm: create }), () => "");
    await routes["comm"]!({ id: "1" });
    await routes["comm"]!({ id: "2" });
    expect(create).toHaveBeenCalledTimes(1);
    expect(create.mock.calls[0]!.slice(0, 1)).toEqual(["alloy_nb.control"]);
    expect(send.mock.calls).toEqual([[{ id: "1" }], [{ id: "2" }]]);
  });
});

describe("The interrupt", () => {
  afterEach(() => {
    document.getElementById("jupyter-config-data")?.remove();
    vi.unstubAllGlobals();
  });

  function config(text: string): void {
    const script = document.createElement("script");
    script.id = "jupyter-config-data";
    script.type = "application/json";
    script.textContent = text;
    document.body.append(script);
  }

  it("is a POST to this server with the token of the cookie", async () => {
    const asked = vi.fn(async () => ({ ok: true }));
    vi.stubGlobal("fetch", asked);
    document.cookie = "_xsrf=a%7Cb";
    config('{"baseUrl": "/user/x"}');
    expect(await interrupt("k-1")).toBe(true);
    expect(asked.mock.calls[0]).toEqual([
      "/user/x/api/kernels/k-1/interrupt",
      { method: "POST", credentials: "same-origin", headers: { "X-XSRFToken": "a|b" } },
    ]);
  });

  it.each(["", "no json", '{"baseUrl": "https://evil.example/"}', '{"baseUrl": "//evil.example/"}', "{}"])(
    "is left out where the page's data is %j",
    async (text) => {
      const asked = vi.fn();
      vi.stubGlobal("fetch", asked);
      if (text) config(text);
      expect(await interrupt("k-1")).toBe(false);
      expect(asked).not.toHaveBeenCalled();
    },
  );

  it("asks for no kernel with another name than kernels have", async () => {
    const asked = vi.fn();
    vi.stubGlobal("fetch", asked);
    config('{"baseUrl": "/"}');
    expect(await interrupt("../../x")).toBe(false);
    expect(asked).not.toHaveBeenCalled();
  });
});
