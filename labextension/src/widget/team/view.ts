/** A team, shown in one place of the page: a tab an agent, a timeline, and what stops them. */
import type { Member, TeamState } from "../../blocks/team";
import { agentsWords, STATE_MARKS, stateWords, usedWords } from "../../blocks/team_words";
import { durationWords } from "../../blocks/words";
import { button, holdsFocus, make, setText } from "../dom";
import { Focus } from "../focus";
import { cancel, soon } from "../frames";
import { LABELS as PAGE } from "../labels";
import { addStyles } from "../styles";
import { type Pair, Successor } from "../successor";
import { everyTick } from "../ticker";
import { LABELS } from "./labels";
import { Panel, type ShowRun } from "./panel";
import { addTeamStyles } from "./styles";
import { type Face, Tab, Tabs } from "./tabs";
import { Timeline } from "./timeline";

export interface TeamDesk {
  readonly showRun: ShowRun;
  stop(waited: boolean): Promise<"heard" | "interrupted" | "unheard">;
}

interface Agent {
  readonly tab: Tab;
  readonly panel: Panel;
  member: Member;
}

/** A team that has not ended so long after Stop can be stopped again. */
const AGAIN_MS = 6_000;
/** One that has ended is replaced by its frozen form at once, unless the page was loaded anew meanwhile. */
const FROZEN_MS = 3_000;

export class TeamView {
  private readonly outer = make("div", "alloy-view alloy-team jp-RenderedHTMLCommon");
  private readonly root = make("div");
  private readonly status = make("span", "alloy-status");
  private readonly panels = make("div");
  private readonly tabs = new Tabs((tab, byHand) => this.chosen(tab, byHand));
  private readonly timelineTab = new Tab(LABELS.timeline);
  private readonly timeline = new Timeline();
  private readonly foot = make("div", "alloy-foot");
  private readonly words = make("span");
  private readonly told = make("div", "alloy-told");
  private readonly stop = button("alloy-button alloy-stop", LABELS.stopAll, () => void this.press());
  private readonly focus = new Focus(this.outer, this.root);
  private readonly successor = new Successor(this.outer);
  private readonly paint = () => this.draw();
  private readonly agents: Agent[] = [];
  private state: TeamState | undefined;
  private heardAt = 0;
  private isLost = false;
  private isByHand = false;
  private isClosed = false;
  private again: ReturnType<typeof setTimeout> | undefined;
  private unkept: ReturnType<typeof setTimeout> | undefined;
  private readonly stopTicking = everyTick(() => this.tick());

  constructor(
    el: HTMLElement,
    private readonly desk: TeamDesk,
  ) {
    this.outer.dataset["lmSuppressShortcuts"] = "true";
    this.status.setAttribute("role", "status");
    this.status.setAttribute("aria-live", "polite");
    this.told.setAttribute("role", "status");
    this.root.setAttribute("role", "region");
    this.timelineTab.button.classList.add("alloy-tab-timeline");
    this.timelineTab.panel.classList.add("alloy-timeline");
    this.timelineTab.panel.append(this.timeline.element);
    this.timelineTab.draw({ sign: "", colour: "", name: LABELS.timeline, words: "", said: "" });
    this.foot.tabIndex = -1;
    this.foot.append(this.stop, " ", this.words);
    this.panels.append(this.timelineTab.panel);
    this.root.append(this.tabs.element, this.panels, this.foot, this.told);
    this.outer.append(this.status, this.root);
    el.append(this.outer);
  }

  /** Show this state at one of the next frames; `heardAt` is when it was heard of, by this page's clock. */
  show(state: TeamState, heardAt: number): void {
    if (this.isClosed) return;
    this.state = state;
    this.heardAt = heardAt;
    soon(this.paint);
  }

  /** These runs have said something. */
  heard(runs: ReadonlySet<string>): void {
    for (const { tab, member } of this.agents) {
      if (tab !== this.tabs.current && member.runs.some(({ run }) => runs.has(run))) tab.unread = true;
    }
    if (!this.isClosed) soon(this.paint);
  }

  /** The kernel is gone. */
  lose(): void {
    this.isLost = true;
    if (!this.isClosed) soon(this.paint);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    cancel(this.paint);
    this.stopTicking();
    clearTimeout(this.again);
    clearTimeout(this.unkept);
    for (const { panel } of this.agents) panel.close();
    this.stop.remove();
    this.root.setAttribute("aria-busy", "false");
    this.focus.handOver();
    this.successor.handOver((frozen) => this.pairs(frozen));
  }

  private get isLive(): boolean {
    return !this.isLost && (this.state?.facts.live ?? true);
  }

  private get now(): number {
    return (this.state?.now ?? 0) + (this.isLive ? Math.max(0, Date.now() - this.heardAt) : 0);
  }

  private draw(): void {
    const { state } = this;
    if (!state || this.isClosed) return;
    addStyles(this.outer); // only now, as a view is made before it is put into the page
    addTeamStyles(this.outer);
    this.root.className = `${this.isLive ? "alloy-run-live" : "alloy-run"} tex2jax_ignore mathjax_ignore`;
    this.root.setAttribute("aria-busy", String(this.isLive));
    this.root.setAttribute("aria-label", LABELS.team(state.facts.name));
    this.tabs.element.setAttribute("aria-label", LABELS.tabs(state.facts.name));
    state.members.forEach((member, place) => this.drawMember(member, place));
    this.tabs.set([...this.agents.map(({ tab }) => tab), this.timelineTab]);
    this.chooseOne();
    this.drawChosen();
    this.drawFoot();
    this.successor.settle();
  }

  /** What each agent said, here and in the frozen form, where the one that was looked at is unfolded. */
  private pairs(frozen: Element): Pair[] {
    const folds = [...frozen.querySelectorAll(":scope > details")];
    const isLeft = this.isByHand || !folds.some((fold) => fold.hasAttribute("open"));
    const worked = this.agents.filter(({ member }) => member.runs.length);
    return worked.flatMap(({ tab }, place): Pair[] => {
      const fold = folds[place];
      if (isLeft && tab === this.tabs.current) fold?.setAttribute("open", "");
      return fold ? [[tab.panel, fold.lastElementChild!]] : [];
    });
  }

  private drawMember(member: Member, place: number): void {
    let agent = this.agents[place];
    if (!agent) {
      const tab = new Tab(member.name);
      agent = { tab, panel: new Panel(tab.panel, this.desk.showRun), member: { ...member, state: "idle" } };
      this.agents.push(agent);
      this.panels.insertBefore(tab.panel, this.timelineTab.panel);
    }
    const news = agent.member.state === member.state ? "" : newsOf(member);
    if (news) setText(this.status, news);
    agent.member = member;
    agent.tab.draw(faceOf(member));
  }

  /** Until a person chooses: the first one that works, or has. */
  private chooseOne(): void {
    if (this.isByHand) return;
    const { current } = this.tabs;
    const shown = this.agents.find(({ tab }) => tab === current);
    if (shown?.member.runs.length) return;
    const best = this.agents.find(({ member }) => member.runs.length) ?? shown ?? this.agents[0];
    if (best && best !== shown) this.tabs.choose(best.tab);
  }

  private chosen(tab: Tab, byHand: boolean): void {
    this.isByHand ||= byHand;
    tab.unread = false;
    const agent = this.agents.find((one) => one.tab === tab);
    agent?.tab.draw(faceOf(agent.member));
    if (byHand) this.drawChosen();
  }

  /** Only what is looked at is drawn. */
  private drawChosen(): void {
    const { current } = this.tabs;
    if (!this.state) return;
    if (current === this.timelineTab) {
      this.timeline.update(this.state, this.now);
      return;
    }
    const agent = this.agents.find(({ tab }) => tab === current);
    agent?.panel.draw(agent.member, this.state);
  }

  private tick(): void {
    if (this.isClosed || !this.isLive || !this.state) return;
    this.drawFoot();
    if (this.tabs.current === this.timelineTab) this.timeline.update(this.state, this.now);
  }

  private drawFoot(): void {
    const { facts, members } = this.state!;
    const words = [facts.name, agentsWords(members.length), ...usedWords(facts.tokens, facts.cost)];
    if (this.isLost) words.unshift(LABELS.lost);
    if (this.now > facts.began) words.push(durationWords(this.now - facts.began));
    setText(this.words, words.join(" · "));
    if (!this.isLive && this.stop.parentNode) {
      if (holdsFocus(this.stop)) this.foot.focus({ preventScroll: true });
      this.stop.remove();
      setText(this.told, "");
      this.unkept = setTimeout(() => setText(this.told, this.isLost ? "" : LABELS.unkept(facts.name)), FROZEN_MS);
    }
  }

  private async press(): Promise<void> {
    // Who works by keys is left where the button is: one that is disabled loses them.
    if (holdsFocus(this.stop)) this.foot.focus({ preventScroll: true });
    this.stop.disabled = true;
    setText(this.stop, PAGE.stopping);
    setText(this.told, "");
    const how = await this.desk.stop(this.state?.facts.waited ?? false);
    if (!this.stop.parentNode) return;
    if (how === "unheard") this.offerAgain();
    else this.again = setTimeout(() => this.offerAgain(), AGAIN_MS);
    if (how === "interrupted") setText(this.told, PAGE.interrupted);
    if (how === "unheard") setText(this.told, PAGE.stopUnheard);
  }

  private offerAgain(): void {
    this.stop.disabled = false;
    setText(this.stop, LABELS.stopAll);
  }
}

function faceOf(member: Member): Face {
  const [sign, colour] = STATE_MARKS[member.state];
  const words = stateWords(member);
  // That it is done, the mark says; it is said aloud all the same.
  const isDone = member.state === "done";
  return { sign, colour, name: member.name, words: isDone ? "" : words, said: isDone ? words : "" };
}

/** What a screen reader is told of: who asks, and who came to an end. */
function newsOf(member: Member): string {
  if (member.state === "asking") return LABELS.asks(member.name);
  return ["done", "failed", "stopped", "down"].includes(member.state)
    ? LABELS.told(member.name, stateWords(member))
    : "";
}
