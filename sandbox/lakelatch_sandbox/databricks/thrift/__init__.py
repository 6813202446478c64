"""The Thrift protocol of SQL warehouses, which the SQL drivers speak: sessions, operations, results by column."""
