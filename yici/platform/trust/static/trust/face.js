// Guidance while somebody takes her own picture: one face, near enough, lit, frontal, alive. Decides nothing: the
// server compares. The library and its models (some 6 MB) are fetched when the camera is opened, never before.
const box = document.getElementById("camera");
const words = JSON.parse(document.getElementById("face-guidance").textContent);
const video = document.getElementById("face-video");
const says = document.getElementById("face-says");
const start = document.getElementById("face-start");
const take = document.getElementById("face-take");
const form = document.getElementById("face-form");
const STEADY = 3; // good frames in a row before the picture is taken
const PATIENCE = 8000; // milliseconds until the person may take it herself

function say(key) {
  says.hidden = false;
  if (says.dataset.key !== key) {
    says.dataset.key = key;
    says.textContent = words[key];
  }
}

function brightness(context, width, height) {
  const data = context.getImageData(0, 0, width, height).data;
  let sum = 0;
  for (let index = 0; index < data.length; index += 64) sum += data[index] + data[index + 1] + data[index + 2];
  return sum / (3 * (data.length / 64));
}

function judge(result, context, width, height) {
  const faces = result.face;
  if (faces.length === 0) return brightness(context, width, height) < 45 ? "dark" : "none";
  if (faces.length > 1) return "many";
  const face = faces[0];
  const share = face.boxRaw[2]; // of the frame's width; the library's box is some 1.7 times as wide as the face
  if (share < 0.35) return "far";
  if (share > 1.1) return "near";
  if (brightness(context, width, height) < 45) return "dark";
  const angle = face.rotation?.angle;
  if (angle && (Math.abs(angle.yaw) > 0.45 || Math.abs(angle.pitch) > 0.5)) return "side";
  if ((face.real ?? 1) < 0.4 || (face.live ?? 1) < 0.4) return "spoof";
  return "hold";
}

function stop() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
}

function send(canvas, liveness) {
  say("sending");
  canvas.toBlob((blob) => {
    const files = new DataTransfer();
    files.items.add(new File([blob], "capture.jpg", { type: "image/jpeg" }));
    document.getElementById("picture").files = files.files;
    document.getElementById("liveness").value = liveness === null ? "" : liveness.toFixed(3);
    stop();
    form.submit();
  }, "image/jpeg", 0.92);
}

async function load() {
  const { Human } = await import(box.dataset.library);
  const human = new Human({
    backend: "humangl",
    modelBasePath: new URL(box.dataset.models, location.href).href,
    cacheSensitivity: 0,
    filter: { enabled: false },
    face: {
      enabled: true,
      detector: { maxDetected: 2, rotation: false },
      mesh: { enabled: true },
      iris: { enabled: false },
      attention: { enabled: false },
      description: { enabled: false },
      emotion: { enabled: false },
      antispoof: { enabled: true },
      liveness: { enabled: true },
    },
    body: { enabled: false }, hand: { enabled: false }, object: { enabled: false },
    gesture: { enabled: false }, segmentation: { enabled: false },
  });
  await human.load();
  return human;
}

async function run() {
  start.hidden = true;
  say("loading");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } } });
  } catch (error) {
    say(error.name === "NotAllowedError" || error.name === "SecurityError" ? "refused" : "missing");
    start.hidden = false;
    return;
  }
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  let sent = false;
  let liveness = null;
  take.addEventListener("click", () => {
    sent = true;
    context.drawImage(video, 0, 0);
    send(canvas, liveness);
  });
  let human;
  try {
    human = await load();
  } catch (error) {
    console.warn(error);
    say("failed");
    take.hidden = false;
    return;
  }
  let steady = 0;
  const begun = performance.now();
  while (!sent) {
    context.drawImage(video, 0, 0);
    const result = await human.detect(canvas);
    const state = judge(result, context, canvas.width, canvas.height);
    const face = result.face[0];
    liveness = face && face.live !== undefined ? Math.min(face.live, face.real ?? 1) : null;
    if (sent) return;
    say(state);
    steady = state === "hold" ? steady + 1 : 0;
    if (steady >= STEADY) {
      sent = true;
      send(canvas, liveness);
      return;
    }
    if (performance.now() - begun > PATIENCE) take.hidden = false;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

if (navigator.mediaDevices?.getUserMedia) {
  box.hidden = false;
  start.addEventListener("click", run);
}
