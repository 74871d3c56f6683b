export const STYLE = `body{font:16px/1.5 system-ui,sans-serif}`;
