export function start() {
    return fetch("/clock");
}
