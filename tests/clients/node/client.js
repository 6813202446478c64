// Asks through the gateway as users of `@databricks/sql` do; prints one line of JSON for the test to judge.
const { DBSQLClient } = require("@databricks/sql");

const { HOST, PORT, HTTP_PATH, TOKEN, REFUSED_TOKEN } = process.env;

function connect(token) {
  return new DBSQLClient({ logger: { log: () => {} } }).connect({
    host: HOST,
    port: Number(PORT), // only for a gateway that is not at port 443
    path: HTTP_PATH,
    token,
    telemetryEnabled: false,
    retryMaxAttempts: 1,
  });
}

async function all(session, statement, options) {
  const operation = await session.executeStatement(statement, options);
  const rows = await operation.fetchAll();
  await operation.close();
  return rows;
}

async function main() {
  const client = await connect(TOKEN);
  const session = await client.openSession();
  const [{ me }] = await all(session, "SELECT current_user() AS me");
  const numbers = await all(session, "SELECT range AS n FROM range(25000) ORDER BY n");
  const [{ zips }] = await all(session, "SELECT count(*) AS zips FROM samples.nyctaxi.trips WHERE pickup_zip = :zip", {
    namedParameters: { zip: 10001 },
  });
  const failure = await all(session, "SELECT * FROM nothing").then(() => "none", (error) => String(error.message));
  await session.close();
  await client.close();
  const refusal = await connect(REFUSED_TOKEN)
    .then((other) => other.openSession())
    .then(() => "none", (error) => String(error.message));
  const rows = numbers.map((row) => Number(row.n));
  console.log(JSON.stringify({ me, rows, zips: Number(zips), failure, refusal }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
