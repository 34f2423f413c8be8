// In charge of starting GraphiQL on the project's endpoint and of the token that goes with each request.
// It must ask nothing of any other server, and keep the token no longer than the browser tab lives.
"use strict";

(function () {
  const TOKEN = "tabularium.token";
  const endpoint = document.body.dataset.endpoint;
  const input = document.getElementById("token");
  const state = document.getElementById("token-state");
  const root = ReactDOM.createRoot(document.getElementById("explorer"));

  function storedToken() {
    try {
      return sessionStorage.getItem(TOKEN) || "";
    } catch {
      return ""; // storage is refused: the token then lives as long as the page
    }
  }

  let token = storedToken();

  function fetcherFor(bearer) {
    return async function (parameters, options) {
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      if (bearer) {
        headers.Authorization = "Bearer " + bearer;
      }
      // Headers typed into GraphiQL's own editor win over the token box.
      for (const [name, value] of Object.entries((options && options.headers) || {})) {
        for (const known of Object.keys(headers)) {
          if (known.toLowerCase() === name.toLowerCase()) {
            delete headers[known];
          }
        }
        headers[name] = value;
      }
      const response = await fetch(endpoint, {
        method: "POST",
        headers,
        body: JSON.stringify(parameters),
        credentials: "same-origin",
      });
      const text = await response.text();
      try {
        return JSON.parse(text);
      } catch {
        return { errors: [{ message: "HTTP " + response.status + ": the answer is not JSON", answer: text.slice(0, 500) }] };
      }
    };
  }

  // A new fetcher makes GraphiQL ask for the schema again: what a token sees is what its role may see.
  function show() {
    state.textContent = token ? "sent as Bearer" : "public";
    root.render(
      React.createElement(GraphiQL, {
        key: token,
        fetcher: fetcherFor(token),
        shouldPersistHeaders: false,
        defaultQuery: "# Ctrl-Space lists the fields, Ctrl-Enter runs the query.\n{\n  __typename\n}\n",
      }),
    );
  }

  function use(value) {
    token = value.trim().replace(/^bearer\s+/i, "");
    input.value = token;
    try {
      if (token) {
        sessionStorage.setItem(TOKEN, token);
      } else {
        sessionStorage.removeItem(TOKEN);
      }
    } catch {
      // see storedToken
    }
    show();
  }

  document.getElementById("endpoint").textContent = endpoint;
  document.getElementById("token-form").addEventListener("submit", function (event) {
    event.preventDefault();
    use(input.value);
  });
  document.getElementById("forget").addEventListener("click", function () {
    use("");
  });
  input.value = token;
  show();
})();
