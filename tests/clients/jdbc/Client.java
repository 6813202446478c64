import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Asks through the gateway as users of the JDBC driver do; prints what it finds, a name and a value on each line. */
public class Client {
  public static void main(String[] arguments) throws Exception {
    String address = System.getenv("JDBC_URL");
    try (Connection connection = connect(address, System.getenv("TOKEN"))) {
      try (Statement statement = connection.createStatement()) {
        ResultSet me = statement.executeQuery("SELECT current_user()");
        me.next();
        tell("me", me.getString(1));
        ResultSet numbers = statement.executeQuery("SELECT range FROM range(25000) ORDER BY range");
        long count = 0;
        while (numbers.next() && numbers.getLong(1) == count) {
          count++;
        }
        tell("rows in order", count);
        try {
          statement.executeQuery("SELECT * FROM nothing");
          tell("failure", "none");
        } catch (SQLException error) {
          tell("failure", reasons(error));
        }
      }
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT count(*) FROM samples.nyctaxi.trips WHERE pickup_zip = ?")) {
        statement.setInt(1, 10001);
        ResultSet zips = statement.executeQuery();
        zips.next();
        tell("zips", zips.getLong(1));
      }
      ResultSet columns = connection.getMetaData().getColumns("samples", "nyctaxi", "trips", null);
      long found = 0;
      while (columns.next()) {
        found++;
      }
      tell("columns", found);
    }
    try (Connection connection = connect(address, System.getenv("REFUSED_TOKEN"))) {
      connection.createStatement().executeQuery("SELECT 1");
      tell("refusal", "none");
    } catch (SQLException error) {
      tell("refusal", reasons(error));
    }
  }

  /** The token is a property and no part of the address, which ends in logs. */
  private static Connection connect(String address, String token) throws SQLException {
    java.util.Properties properties = new java.util.Properties();
    properties.setProperty("Auth_AccessToken", token);
    return DriverManager.getConnection(address, properties);
  }

  private static void tell(String name, Object value) {
    System.out.println("FOUND " + name + ": " + String.valueOf(value).replace('\n', ' '));
  }

  private static String reasons(Throwable error) {
    StringBuilder told = new StringBuilder();
    for (Throwable one = error; one != null; one = one.getCause()) {
      told.append(one.getMessage()).append(" | ");
    }
    return told.toString();
  }
}
