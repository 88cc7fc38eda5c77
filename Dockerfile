# The image has nothing but the daemon, its libraries and its policies. Two ways to it:
#
#   docker build -t holdfast .
#       compiles in a Debian image; needs a registry and Debian's archive.
#   scripts/image-root build build/image-root
#   buildah bud --target prebuilt -t holdfast .
#       packs what `make` has built on this machine; needs no network.
#
# It runs with the host's processes in sight and full privileges:
#   podman run --privileged --pid=host -v /run/holdfast:/run/holdfast \
#     -v /var/log/holdfast:/var/log/holdfast holdfast

FROM scratch AS prebuilt
COPY build/image-root/ /
ENTRYPOINT ["/usr/sbin/holdfast"]
CMD ["run"]

FROM docker.io/library/debian:12 AS compiled
COPY . /src
WORKDIR /src
RUN scripts/install-packages build && mkdir -p build && touch build/.packages && \
    make -j"$(nproc)" build && scripts/image-root build /image-root

FROM scratch
COPY --from=compiled /image-root/ /
ENTRYPOINT ["/usr/sbin/holdfast"]
CMD ["run"]
