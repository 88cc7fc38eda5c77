// What services in Java do: hot code, threads, locks and mappings of files, other programs.
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.IntStream;

public class Work {
  static long hot(long rounds) {
    long sum = 0;
    for (long i = 0; i < rounds; i++) sum = sum * 31 + (i ^ (sum >>> 7));
    return sum;
  }

  public static void main(String[] arguments) throws Exception {
    long sum = IntStream.range(0, 400).parallel().mapToLong(i -> hot(50_000 + i)).sum();
    Path file = Files.createTempFile("work", ".data");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      FileLock lock = channel.lock();
      channel.write(ByteBuffer.wrap(new byte[8192]));
      MappedByteBuffer mapping = channel.map(FileChannel.MapMode.READ_WRITE, 0, 8192);
      mapping.putLong(0, sum);
      mapping.force();
      lock.release();
    }
    for (int i = 0; i < 5; i++) {
      Process process = new ProcessBuilder("ls", "/").redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      if (process.waitFor() != 0) throw new IllegalStateException("ls failed");
    }
    System.out.println("done");
  }
}
