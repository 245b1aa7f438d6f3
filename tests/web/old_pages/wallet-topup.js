// The top-up page of the old wallet, in its own words: it starts a top-up for the user who is signed
// in, follows it with `useTopupSSE`, and polls by itself where that is not connected. Since it moved
// over the hook is imported from here, and is given the user's token, as every request is.
import { createElement as h, createRoot, useEffect, useState } from "react";
import { useTopupSSE } from "tallystick/react";

const { api = "", user } = Object.fromEntries(new URLSearchParams(location.search));
const headers = { Authorization: `Bearer ${user}`, "Content-Type": "application/json" };
window.polls = 0;

function Page() {
  const [topup, setTopup] = useState(null);
  const [message, setMessage] = useState("");
  const txRef = topup?.tx_ref ?? null;
  const { status, isConnected, error, reconnect } = useTopupSSE({
    txRef,
    enabled: !!txRef,
    baseUrl: api,
    token: user,
    onStatusUpdate: ({ status, amount }) => {
      if (status === "confirmed") setMessage(`Đã nạp ${amount}`);
    },
    onError: ({ message }) => console.warn(message),
  });

  useEffect(() => {
    if (!txRef || isConnected) return;
    const timer = setInterval(async () => {
      window.polls++;
      const answer = await fetch(`${api}/api/topup/status?tx_ref=${txRef}`, { headers });
      const { data } = await answer.json();
      if (data.status === "confirmed") setMessage(`Đã nạp ${data.amount}`);
    }, 10_000);
    return () => clearInterval(timer);
  }, [txRef, isConnected]);

  const start = async () => {
    const body = JSON.stringify({ amount: 100000 });
    try {
      const answer = await fetch(`${api}/api/topup/init`, { method: "POST", headers, body });
      const { data, error } = await answer.json();
      if (!data) throw new Error(error);
      setTopup(data);
    } catch ({ message }) {
      setMessage(`Lỗi: ${message}`);
    }
  };
  return h("div", null,
    h("button", { onClick: start }, "Nạp tiền"),
    topup && h("a", { href: topup.checkoutUrl }, "Thanh toán"),
    h("p", { id: "ref" }, txRef),
    h("p", { id: "status" }, status?.status ?? "—"),
    h("p", { id: "message" }, message),
    error && h("button", { onClick: reconnect }, "Kết nối lại"),
  );
}
createRoot(document.querySelector("#screen")).render(h(Page));
