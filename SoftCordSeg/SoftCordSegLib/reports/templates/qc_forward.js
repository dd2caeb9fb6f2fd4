// Leads on to the page itself.
location.replace(document.getElementById("forward").href);
