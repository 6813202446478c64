"""The catalog `samples`: made-up taxi trips, always alike, with the columns of the vendor's `samples.nyctaxi.trips`."""

TRIPS = {
    "tpep_pickup_datetime": "TIMESTAMP",
    "tpep_dropoff_datetime": "TIMESTAMP",
    "trip_distance": "DOUBLE",
    "fare_amount": "DOUBLE",
    "pickup_zip": "INTEGER",
    "dropoff_zip": "INTEGER",
}
"""The columns of `samples.nyctaxi.trips`, with their types in DuckDB's words."""

CREATE_SAMPLES = """
ATTACH ':memory:' AS samples;
CREATE SCHEMA samples.nyctaxi;
CREATE TABLE samples.nyctaxi.trips AS
WITH numbered AS (
    -- multiplicative hashing (Knuth): spread out, and the same in every version and on every machine
    SELECT range AS n, (range * 2654435761) % 4294967296 AS a, (range * 40503 + 12345) % 65536 AS b
    FROM range(5000)
), measured AS (
    SELECT n, a, b, round(0.4 + (b % 1200) / 100.0, 2) AS distance FROM numbered
)
SELECT
    CAST(TIMESTAMP '2016-01-01 00:00:00' + to_seconds(n * 1000 + a % 1000) AS TIMESTAMP) AS tpep_pickup_datetime,
    CAST(
        TIMESTAMP '2016-01-01 00:00:00' + to_seconds(n * 1000 + a % 1000 + 120 + CAST(distance * 210 AS BIGINT))
        AS TIMESTAMP
    ) AS tpep_dropoff_datetime,
    CAST(distance AS DOUBLE) AS trip_distance,
    CAST(2.5 + round(distance * 2.5 * 2) / 2 AS DOUBLE) AS fare_amount,
    CAST(10001 + a % 40 AS INTEGER) AS pickup_zip,
    CAST(10001 + b % 40 AS INTEGER) AS dropoff_zip
FROM measured
ORDER BY n;
"""
