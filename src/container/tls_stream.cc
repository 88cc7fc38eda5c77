// The only file that knows OpenSSL.
#include "container/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <utility>

namespace holdfast {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

Error tls_error(const std::string& what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return Error{0, what + (reason == nullptr ? "" : std::string(": ") + reason), ""};
}

// The worker's filter refuses what modules named in an openssl.cnf may want.
Result<Context> make_context(const std::string& ca_file) {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return tls_error("TLS");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // A certificate in the file is trusted, whoever signed it: a kubelet's own.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
  if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
    return Error{0, "read the certificates in " + ca_file, "is it there, and PEM?"};
  }
  return context;
}

bool is_in_file(SSL_CTX* context, const X509* certificate) {
  const STACK_OF(X509_OBJECT)* trusted = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_OBJECT_num(trusted); ++i) {
    const X509* one = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(trusted, i));
    if (one != nullptr && X509_cmp(one, certificate) == 0) return true;
  }
  return false;
}

bool names_peer(X509* certificate, const TlsPeer& peer) {
  if (X509_check_ip_asc(certificate, peer.address.c_str(), 0) == 1) return true;
  return std::any_of(peer.names.begin(), peer.names.end(), [&](const std::string& name) {
    return !name.empty() && X509_check_host(certificate, name.data(), name.size(),
                                            X509_CHECK_FLAG_NO_WILDCARDS, nullptr) == 1;
  });
}

class TlsStream : public ByteStream {
 public:
  TlsStream(std::unique_ptr<TcpStream> tcp, Context context)
      : tcp_(std::move(tcp)), context_(std::move(context)), session_(SSL_new(context_.get())) {}

  Status handshake(const TlsPeer& peer) {
    if (!session_ || SSL_set_fd(session_.get(), tcp_->get()) != 1) return tls_error("TLS");
    const auto connect = [this] { return SSL_connect(session_.get()); };
    if (const Result<int> done = repeat("TLS", connect); !done) {
      const long verified = SSL_get_verify_result(session_.get());
      if (verified == X509_V_OK) return done.error();
      return Error{
          0,
          std::string("its certificate is not valid: ") + X509_verify_cert_error_string(verified),
          ""};
    }
    const Certificate certificate(SSL_get1_peer_certificate(session_.get()));
    if (!certificate) return Error{0, "it shows no certificate", ""};
    if (is_in_file(context_.get(), certificate.get()) || names_peer(certificate.get(), peer)) {
      return {};
    }
    return Error{0, "its certificate is for another server", ""};
  }

  Result<std::size_t> read(std::span<char> buffer) override {
    std::size_t length = 0;
    const Result<int> done = repeat(
        "read", [&] { return SSL_read_ex(session_.get(), buffer.data(), buffer.size(), &length); });
    if (done) return length;
    if (ended_) return std::size_t{0};
    return done.error();
  }

  Status write(std::string_view text) override {
    std::size_t length = 0;  // all of it: partial writes are not enabled
    const Result<int> done = repeat(
        "write", [&] { return SSL_write_ex(session_.get(), text.data(), text.size(), &length); });
    return done ? Status() : Status(done.error());
  }

 private:
  // Until `call` is done, waiting for the socket as it asks for. One whose bytes are always there
  // has the deadline too.
  template <typename Call>
  Result<int> repeat(const char* what, Call call) {
    if (Status in_time = tcp_->in_time(what); !in_time) return in_time.error();
    while (true) {
      ERR_clear_error();
      errno = 0;
      const int result = call();
      const int code = errno;
      if (result == 1) return result;
      switch (SSL_get_error(session_.get(), result)) {
        case SSL_ERROR_WANT_READ:
          if (Status ready = tcp_->wait(POLLIN, what); !ready) return ready.error();
          break;
        case SSL_ERROR_WANT_WRITE:
          if (Status ready = tcp_->wait(POLLOUT, what); !ready) return ready.error();
          break;
        case SSL_ERROR_ZERO_RETURN:
          ended_ = true;
          return Error{0, what, "it has closed the connection"};
        case SSL_ERROR_SYSCALL:
          return Error{code == 0 ? ECONNRESET : code, what, ""};
        default:
          return tls_error(what);
      }
    }
  }

  std::unique_ptr<TcpStream> tcp_;
  Context context_;
  Session session_;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteStream>> connect_tls(std::unique_ptr<TcpStream> stream,
                                                const TlsPeer& peer) {
  Result<Context> context = make_context(peer.ca_file);
  if (!context) return context.error();
  auto tls = std::make_unique<TlsStream>(std::move(stream), std::move(*context));
  if (Status shaken = tls->handshake(peer); !shaken) return shaken.error();
  return std::unique_ptr<ByteStream>(std::move(tls));
}

}  // namespace holdfast
