import { defineConfig } from "vitest/config";

// A test that needs a page says so in its first line: `// @vitest-environment jsdom`.
export default defineConfig({
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 20_000 },
});
