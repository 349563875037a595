import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  base: "./",
  build: { target: "es2022", chunkSizeWarningLimit: 600, rollupOptions: { input: ["index.html", "plot.html"] } },
});
