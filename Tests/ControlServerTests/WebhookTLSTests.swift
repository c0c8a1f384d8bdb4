import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

@testable import ControlServer

/// Webhooks over HTTPS: only to somebody whose certificate is right.
@Suite("Webhooks over HTTPS", .serialized)
struct WebhookTLSTests {
    @Test("a certificate that is trusted, one that is not, and one of another name")
    func certificates() async throws {
        let folder = "/tmp/traveler-tls-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        guard Self.makeCertificate(in: folder) else {
            print("SKIPPED: HTTPS needs the openssl command to make a certificate")
            return
        }
        let certificate = try NIOSSLCertificate.fromPEMFile(folder + "/cert.pem")
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: certificate.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: folder + "/key.pem", format: .pem))))
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Yes())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        defer { server.close(promise: nil) }
        let port = server.localAddress?.port ?? 0
        var trusting = TLSConfiguration.makeClientConfiguration()
        trusting.trustRoots = .certificates(certificate)
        try await WebhookClient(tls: trusting).post([1], to: "https://localhost:\(port)/", [])
        await #expect(throws: WebhookFailure.self, "nobody vouches for it") {
            try await WebhookClient().post([1], to: "https://localhost:\(port)/", [])
        }
        await #expect(throws: WebhookFailure.self, "it is another's") {
            try await WebhookClient(tls: trusting).post([1], to: "https://127.0.0.1:\(port)/", [])
        }
        await #expect(throws: WebhookFailure.self, "plain text to TLS") {
            try await WebhookClient(patience: .seconds(2)).post([1], to: "http://localhost:\(port)/", [])
        }
    }

    private static func makeCertificate(in folder: String) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem",
        ]
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Answers every request with 200.
    private final class Yes: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "0"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
