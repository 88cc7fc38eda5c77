// A server on a loopback port, with TLS or without, and certificates made for it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "kernel/unique_fd.h"

namespace holdfast {

struct TestCertificate {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;

  std::string pem() const {
    const std::unique_ptr<BIO, void (*)(BIO*)> memory(BIO_new(BIO_s_mem()),
                                                      [](BIO* bio) { BIO_free(bio); });
    PEM_write_bio_X509(memory.get(), certificate.get());
    char* text = nullptr;
    const long length = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(length)};
  }
};

// `names`: as OpenSSL writes them ("IP:127.0.0.1,DNS:node"); empty: a certificate authority's.
// Signed by `signer`, else by itself. It begins and ends so many seconds from now.
inline TestCertificate make_certificate(const std::string& names,
                                        const TestCertificate* signer = nullptr,
                                        long begins = -3600, long ends = 3600) {
  static std::atomic<long> serial{1};
  TestCertificate made;
  made.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
  made.certificate.reset(X509_new(), X509_free);
  X509* const certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate), ends);
  X509_set_pubkey(certificate, made.key.get());
  const std::string name = "test " + std::to_string(serial++);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(
      certificate,
      X509_get_subject_name(signer == nullptr ? certificate : signer->certificate.get()));
  const auto extend = [&](int kind, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    EXPECT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, names.empty() ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!names.empty()) extend(NID_subject_alt_name, names);
  X509_sign(certificate, signer == nullptr ? made.key.get() : signer->key.get(), EVP_sha256());
  return made;
}

class TlsServer {
 public:
  using Send = std::function<bool(const std::string&)>;  // false: nobody reads it any more
  using Answer = std::function<void(const std::string& request, const Send& send)>;

  // Without a certificate it speaks plainly. One connection at a time.
  TlsServer(const TestCertificate* certificate, Answer answer)
      : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // as in the daemon
    if (certificate != nullptr) {
      context_.reset(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
      SSL_CTX_use_certificate(context_.get(), certificate->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), certificate->key.get());
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_.get(), 16), 0);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() {
    stopping_ = true;
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string url() const {
    return (context_ ? "https" : "http") + std::string("://127.0.0.1:") + std::to_string(port_);
  }
  int connections() const { return connections_; }
  int requests() const { return requests_; }
  bool stopping() const { return stopping_; }

 private:
  void serve() {
    while (!stopping_) {
      const UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client.valid()) continue;
      ++connections_;
      const timeval limit{.tv_sec = 3, .tv_usec = 0};
      setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
      std::shared_ptr<SSL> tls;
      if (context_) {
        tls.reset(SSL_new(context_.get()), SSL_free);
        SSL_set_fd(tls.get(), client.get());
        if (SSL_accept(tls.get()) != 1) continue;
      }
      serve(client.get(), tls.get());
    }
  }

  void serve(int client, SSL* tls) {
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos) {
      char buffer[4096];
      const ssize_t got = tls == nullptr ? read(client, buffer, sizeof buffer)
                                         : SSL_read(tls, buffer, sizeof buffer);
      if (got <= 0) return;
      request.append(buffer, static_cast<std::size_t>(got));
    }
    ++requests_;
    answer_(request, [&](const std::string& text) {
      if (tls != nullptr) return SSL_write(tls, text.data(), static_cast<int>(text.size())) > 0;
      return send(client, text.data(), text.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(text.size());
    });
    if (tls != nullptr) SSL_shutdown(tls);
  }

  const Answer answer_;
  const UniqueFd listener_;
  std::shared_ptr<SSL_CTX> context_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0}, requests_{0};
  std::thread thread_;
};

}  // namespace holdfast
