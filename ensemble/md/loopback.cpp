// Preloaded into the mpiexec of the wheel, which listens on every network of the machine and has no
// option not to. Whoever reached it could speak to the ranks as if it were theirs. They are all on this
// machine: what would be bound to every address is bound to loopback's.

#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

extern "C" int bind(int socket, const sockaddr* address, socklen_t length) {
  using Bind = int (*)(int, const sockaddr*, socklen_t);
  static const auto next = reinterpret_cast<Bind>(dlsym(RTLD_NEXT, "bind"));
  if (address && address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in own = *reinterpret_cast<const sockaddr_in*>(address);
    if (own.sin_addr.s_addr == htonl(INADDR_ANY)) own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return next(socket, reinterpret_cast<const sockaddr*>(&own), sizeof own);
  }
  if (address && address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 own = *reinterpret_cast<const sockaddr_in6*>(address);
    if (IN6_IS_ADDR_UNSPECIFIED(&own.sin6_addr)) own.sin6_addr = in6addr_loopback;
    return next(socket, reinterpret_cast<const sockaddr*>(&own), sizeof own);
  }
  return next(socket, address, length);
}
