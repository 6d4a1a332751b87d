/** Where the teams of a kernel arrive in the page. Their runs arrive at the hub's home, which shows them. */
import {
  afterTeamChange,
  afterTeamSnapshot,
  isTeamBehind,
  TEAM_BEGINNING,
  type TeamFollowing,
  type Told,
} from "../../blocks/team";
import type { Home } from "../home";
import { type Model, watchKernel } from "../transport";
import { TeamView } from "./view";

const SYNC_MS = 2_000;
/** How often a view says that it is there while a member asks something. */
const BEAT_MS = 5_000;

interface Team {
  following: TeamFollowing;
  heardAt: number;
  readonly views: Set<TeamView>;
  syncing: ReturnType<typeof setTimeout> | undefined;
}

export interface Hub {
  readonly home: Home;
  readonly model: Model;
  readonly id: string;
}

export class TeamHome {
  private readonly teams = new Map<string, Team>();
  private readonly hear = (content: unknown) => this.heard(content);
  private readonly stopWatching: () => void;
  private beating: ReturnType<typeof setInterval> | undefined;
  private isClosed = false;
  private hub: Hub | undefined;

  constructor(
    model: Model,
    private readonly found: Promise<Hub>,
  ) {
    this.stopWatching = watchKernel(model.widget_manager?.kernel, () => this.lose());
    void found.then((hub) => {
      if (this.isClosed) return;
      this.hub = hub;
      hub.model.on("msg:custom", this.hear);
    });
  }

  /** Show the team of a stub's model in `el`; returns what closes the view. */
  show(stub: Model, el: HTMLElement): () => void {
    const id = String(stub.get("run"));
    let close: (() => void) | undefined;
    let gone = false;
    void this.found.then((hub) => {
      if (!gone) close = this.open(id, stub, el, hub);
    });
    return () => {
      gone = true;
      close?.();
    };
  }

  close(): void {
    this.isClosed = true;
    this.stopWatching();
    clearInterval(this.beating);
    this.hub?.model.off("msg:custom", this.hear);
    for (const team of this.teams.values()) {
      clearTimeout(team.syncing);
      for (const view of team.views) view.close();
    }
    this.teams.clear();
  }

  private open(id: string, stub: Model, el: HTMLElement, { home, id: hubId }: Hub): () => void {
    const team = this.team(id);
    const view = new TeamView(el, {
      showRun: (run, place) => {
        const traits: Readonly<Record<string, unknown>> = { run, hub: hubId, within: true };
        const close = home.show({ get: (name: string) => traits[name] } as unknown as Model, place);
        // What it said before this page listened, or so long ago that it was forgotten.
        void home.controls.send({ do: "sync", run });
        return close;
      },
      stop: (waited) => home.stop(id, waited),
    });
    team.views.add(view);
    this.follow(id, team, afterTeamSnapshot(team.following, stub.get("snapshot")));
    this.sync(id, team);
    void home.controls.send({ do: "hello", run: id });
    this.beating ??= setInterval(() => this.beat(), BEAT_MS);
    return () => {
      view.close();
      team.views.delete(view);
    };
  }

  private heard(content: unknown): void {
    if (typeof content !== "object" || content === null) return;
    const message = content as Record<string, unknown>;
    if (message["kind"] === "snapshot" && typeof message["team"] === "string") {
      const team = this.team(message["team"]);
      this.follow(message["team"], team, afterTeamSnapshot(team.following, message));
    } else if (message["kind"] === "changes" && Array.isArray(message["runs"])) {
      this.changes(message["runs"].filter((item): item is Told => typeof item === "object" && item !== null));
    }
  }

  private changes(items: readonly Told[]): void {
    for (const item of items) {
      const { team: id } = item;
      if (typeof id !== "string") continue;
      const team = this.team(id);
      this.follow(id, team, afterTeamChange(team.following, item));
    }
    const runs = new Set(items.map(({ run }) => run).filter((run) => typeof run === "string"));
    if (!runs.size) return;
    for (const { views } of this.teams.values()) for (const view of views) view.heard(runs);
  }

  private follow(id: string, team: Team, following: TeamFollowing): void {
    if (following.seq !== team.following.seq) team.heardAt = Date.now();
    team.following = following;
    for (const view of team.views) view.show(following.state, team.heardAt);
    if (isTeamBehind(following)) this.sync(id, team);
  }

  /** Ask for a snapshot; again for as long as something is missing and somebody looks. */
  private sync(id: string, team: Team): void {
    if (team.syncing !== undefined || !team.views.size) return;
    void this.hub?.home.controls.send({ do: "sync", run: id });
    team.syncing = setTimeout(() => {
      team.syncing = undefined;
      if (isTeamBehind(team.following) || !team.following.seq) this.sync(id, team);
    }, SYNC_MS);
  }

  /** The kernel leaves the questions of all members to their cards only as long as it hears of a view. */
  private beat(): void {
    for (const [id, { views, following }] of this.teams) {
      const isAsking = following.state.members.some(({ state }) => state === "asking");
      if (views.size && isAsking && following.state.facts.live) {
        void this.hub?.home.controls.send({ do: "hello", run: id });
      }
    }
  }

  private lose(): void {
    for (const { views } of this.teams.values()) for (const view of views) view.lose();
  }

  private team(id: string): Team {
    const known = this.teams.get(id);
    if (known) return known;
    const team: Team = { following: TEAM_BEGINNING, heardAt: Date.now(), views: new Set(), syncing: undefined };
    this.teams.set(id, team);
    return team;
  }
}
