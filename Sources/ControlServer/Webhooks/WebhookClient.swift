import AsyncHTTPClient
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

/// Sends one request after the other, each on a connection of its own.
struct WebhookClient: Sendable {
    private let configuration: HTTPClient.Configuration
    /// How long an exchange may take.
    private let patience: TimeAmount

    init(tls: TLSConfiguration = .makeClientConfiguration(), patience: TimeAmount = .seconds(10)) {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: patience))
        configuration.httpVersion = .http1Only
        // The outbox tries again, and knows when.
        configuration.connectionPool.retryConnectionEstablishment = false
        (self.configuration, self.patience) = (configuration, patience)
    }

    /// Whether this is an address of HTTP or HTTPS, and names neither a user nor a fragment.
    static func takes(_ address: String) -> Bool {
        guard address.utf8.count <= 2_000, address.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let url = URLComponents(string: address), let scheme = url.scheme?.lowercased(), let host = url.host
        else { return false }
        return (scheme == "http" || scheme == "https") && !host.isEmpty && url.user == nil && url.password == nil
            && url.fragment == nil && (1...65_535).contains(url.port ?? 80)
    }

    /// Posts a body. Only an answer from 200 to 299 is a success; a redirection is not followed.
    func post(
        _ body: [UInt8], to url: String, _ headers: [(String, String)]
    ) async throws(WebhookFailure) {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(contentsOf: headers + [("User-Agent", "travelerd"), ("Connection", "close")])
        request.body = .bytes(ByteBuffer(bytes: body))
        let status: Int
        do {
            status = try await HTTPClient.withHTTPClient(configuration: configuration) { [request] client in
                // What the receiver has to say beside its status is nobody's concern.
                Int(try await client.execute(request, timeout: patience).status.code)
            }
        } catch {
            throw WebhookFailure(message: reason(error))
        }
        guard (200..<300).contains(status) else {
            throw WebhookFailure(message: "HTTP \(status)")
        }
    }

    private var timeOut: String {
        let milliseconds = patience.nanoseconds / 1_000_000
        return "no answer within " + (milliseconds < 1_000 ? "\(milliseconds) ms" : "\(milliseconds / 1_000) s")
    }

    private func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "no such host"
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case is HTTPParserError: "the answer is not HTTP"
        case ChannelError.connectTimeout: timeOut
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .deadlineExceeded, .tlsHandshakeTimeout: timeOut
            case .remoteConnectionClosed: "connection closed without an answer"
            case .cancelled: "the daemon is stopping"
            default: error.shortDescription
            }
        case is CancellationError: "the daemon is stopping"
        default: "\(error)"
        }
    }
}
