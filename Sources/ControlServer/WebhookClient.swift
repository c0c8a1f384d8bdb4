import FoundationEssentials
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Why something could not be sent to a webhook, for people.
struct WebhookFailure: Error {
    var message: String
}

/// Where a webhook is.
struct WebhookAddress: Equatable {
    var host: String
    var port: Int
    var isEncrypted: Bool
    /// What stands in the request line.
    var target: String
    /// What stands in the header `Host`.
    var authority: String

    /// Reads an address of HTTP or HTTPS; nil for anything else, and for one that names a user or a fragment.
    init?(_ text: String) {
        guard text.utf8.count <= 2_000, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let url = URLComponents(string: text), let scheme = url.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = url.host, !host.isEmpty, url.user == nil,
            url.password == nil, url.fragment == nil
        else { return nil }
        isEncrypted = scheme == "https"
        port = url.port ?? (isEncrypted ? 443 : 80)
        guard (1...65_535).contains(port) else { return nil }
        // An IPv6 address stands in brackets, which are not part of it.
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        let path = url.percentEncodedPath
        target = (path.isEmpty ? "/" : path) + (url.percentEncodedQuery.map { "?" + $0 } ?? "")
        authority = (self.host.contains(":") ? "[\(self.host)]" : self.host) + (url.port.map { ":\($0)" } ?? "")
    }
}

/// Sends one request after the other, each on a connection of its own.
struct WebhookClient: Sendable {
    private let tls: TLSConfiguration
    /// How long an exchange may take.
    private let patience: TimeAmount

    init(tls: TLSConfiguration = .makeClientConfiguration(), patience: TimeAmount = .seconds(10)) {
        (self.tls, self.patience) = (tls, patience)
    }

    /// Posts a body. Only an answer from 200 to 299 is a success; a redirection is not followed.
    func post(
        _ body: [UInt8], to url: String, _ headers: [(String, String)]
    ) async throws(WebhookFailure) {
        guard let address = WebhookAddress(url) else {
            throw WebhookFailure(message: "the address is no http:// or https:// URL")
        }
        let status: Int
        do {
            status = try await exchange(body, address, headers)
        } catch let failure as WebhookFailure {
            throw failure
        } catch {
            throw WebhookFailure(message: "cannot send to \(address.authority): \(Self.reason(error))")
        }
        guard (200..<300).contains(status) else {
            throw WebhookFailure(message: "the receiver answered with the status \(status)")
        }
    }

    private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func exchange(
        _ body: [UInt8], _ address: WebhookAddress, _ headers: [(String, String)]
    ) async throws -> Int {
        let context = address.isEncrypted ? try NIOSSLContext(configuration: tls) : nil
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(patience)
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(Self.handler(context, address.host))
                    }
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try Channel(wrappingChannelSynchronously: channel)
                }
            }
        let timer = channel.channel.eventLoop.scheduleTask(in: patience) { channel.channel.close(promise: nil) }
        defer { timer.cancel() }
        var fields = HTTPHeaders([
            ("Host", address.authority), ("User-Agent", "travelerd"), ("Connection", "close"),
            ("Content-Length", String(body.count)),
        ])
        fields.add(contentsOf: headers)
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: address.target, headers: fields)
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(contentsOf: [
                .head(head), .body(.byteBuffer(ByteBuffer(bytes: body))), .end(nil),
            ])
            // What the receiver has to say beside its status is nobody's concern.
            for try await part in inbound {
                if case .head(let head) = part { return Int(head.status.code) }
            }
            throw WebhookFailure(message: "\(address.authority) closed the connection without an answer")
        }
    }

    /// An address in digits is not a name that a certificate could be asked for by the handshake.
    private static func handler(_ context: NIOSSLContext, _ host: String) throws -> NIOSSLClientHandler {
        let isNumber = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isNumber ? nil : host)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "there is no such host"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "it does not answer"
        case is CancellationError: "the daemon is stopping"
        default: "\(error)"
        }
    }
}
