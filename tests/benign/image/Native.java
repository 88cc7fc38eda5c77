// Unpacks its library into the directory for temporary files and loads it, as Netty, Snappy or
// sqlite-jdbc do.
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

public class Native {
  static native int answer();

  public static void main(String[] arguments) throws Exception {
    Path library = Files.createTempFile("libnative", ".so");
    Files.copy(Path.of("/srv/app/java/libnative.so"), library, StandardCopyOption.REPLACE_EXISTING);
    library.toFile().setExecutable(true);
    System.load(library.toString());
    Files.delete(library);
    System.out.println(answer());
  }
}
