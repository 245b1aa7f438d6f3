// The page of the old gift-card system, in its own words: it orders a card, shows the QR code and
// the virtual account, and asks every five seconds until there is a code. Since it moved over it
// sends the `clientToken` that came with the order; nothing else is new.
const { api = "", every = 5000 } = Object.fromEntries(new URLSearchParams(location.search));
const show = (id, text) => (document.querySelector(id).textContent = text);
let token = "";

const post = async (path, body) => {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(api + path, { method: "POST", headers, body: JSON.stringify(body) });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
};

const poll = async (onePayOrderId) => {
  const result = await post("/checkGiftCardPayment", { onePayOrderId });
  show("#status", result.status);
  if (result.status === "PAID") {
    const { orderId, status } = await post("/checkOnePayOrderStatus", { onePayOrderId });
    show("#code", `${result.code} ${result.amount} ${result.email} ${orderId === onePayOrderId} ${status}`);
  } else if (!["Cancelled", "Expired", "Rejected"].includes(result.status)) {
    setTimeout(poll, Number(every), onePayOrderId);
  }
};

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, amount } = Object.fromEntries(new FormData(event.target));
  try {
    const order = await post("/api/gift-cards", { email, amount: Number(amount) });
    if (order.giftCardCode !== null) throw new Error("A code before it is paid");
    token = order.clientToken;
    window.order = order;
    document.querySelector("img").hidden = !order.qrCode;
    show("#account", `${order.vaNumber} ${order.amount} ${order.expiredAt}`);
    await poll(order.onePayOrderId);
  } catch (error) {
    show("#status", `Error: ${error.message}`);
  }
});
