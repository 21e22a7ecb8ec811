# The image holds the program and CA certificates, and no simulated fleet.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --locked --profile dist --no-default-features --bin proxfleet \
    && install -D target/dist/proxfleet /out/proxfleet

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 65532 -g 65532 /var/lib/proxfleet
COPY --from=build /out/proxfleet /usr/bin/proxfleet
COPY config.example.toml LICENSE-APACHE LICENSE-MIT /usr/share/doc/proxfleet/
USER 65532:65532
VOLUME /var/lib/proxfleet
EXPOSE 9221
ENTRYPOINT ["/usr/bin/proxfleet"]
CMD ["serve", "--config", "/etc/proxfleet/proxfleet.toml"]
