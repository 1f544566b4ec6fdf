// Search without a server: a page that is opened from a folder may start no worker, so a hidden frame
// does a worker's work. The theme looks for the name IFrameWorker.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      this.inner = new Promise((resolve) => {
        frame.addEventListener("load", () => resolve(this.begin(frame.contentWindow, url)), {
          once: true,
        });
      });
      document.body.append(frame);
    }

    begin(inner, url) {
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      inner.importScripts = (...urls) => urls.reduce((done, each) => done.then(() => load(each)), Promise.resolve());
      const load = (each) =>
        new Promise((resolve, reject) => {
          const script = inner.document.createElement("script");
          script.addEventListener("load", () => resolve(inner));
          script.addEventListener("error", reject);
          script.src = each;
          inner.document.body.append(script);
        });
      return load(url);
    }

    postMessage(data) {
      this.inner.then((inner) => inner.dispatchEvent(new inner.MessageEvent("message", { data })));
    }
  };
  window.Worker = window.IFrameWorker;
}
