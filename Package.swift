// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-warnings-as-errors"]),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "traveler",
    products: [
        .executable(name: "travelerd", targets: ["travelerd"]),
        .executable(name: "travelerctl", targets: ["travelerctl"]),
    ],
    traits: [
        .trait(name: "Spreadsheet", description: "Reports as Excel workbooks, by libxlsxwriter."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),
        .systemLibrary(name: "CXlsxWriter", pkgConfig: "xlsxwriter", providers: [.apt(["libxlsxwriter-dev"])]),
        .target(name: "CLinux"),
        .target(name: "Tracking", dependencies: ["Barcodes"], swiftSettings: strict),
        .target(name: "Barcodes", swiftSettings: strict),
        .target(name: "Labels", swiftSettings: strict),
        .target(name: "SiteFile", dependencies: ["Tracking", "Barcodes", "Labels", yams], swiftSettings: strict),
        .target(name: "Ledger", dependencies: ["Tracking", "Barcodes", "CSQLite", crypto], swiftSettings: strict),
        .target(
            name: "Devices", dependencies: ["Barcodes", "Labels", "Tracking", "CLinux", "CUdev"], swiftSettings: strict),
        .target(
            name: "Line",
            dependencies: ["Tracking", "Barcodes", "Devices", "Labels", "Ledger", logging],
            swiftSettings: strict),
        .target(name: "ControlAPI", swiftSettings: strict),
        .target(
            name: "ControlServer",
            dependencies: [
                "Barcodes", "ControlAPI", "CLinux", "Devices", "Labels", "Ledger", "Line", "SiteFile", "Tracking",
                nioCore, nioPosix, nioHTTP1, nioSSL, logging, lifecycle,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: strict),
        .target(
            name: "Scenarios",
            dependencies: ["Barcodes", "ControlAPI", "ControlServer", "Ledger", "Tracking", logging],
            swiftSettings: strict),
        .executableTarget(
            name: "travelerd",
            dependencies: [
                "Barcodes", "ControlAPI", "ControlServer", "Devices", "Labels", "Ledger", "Line", "Scenarios",
                "Tracking",
                arguments, logging, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "travelerctl",
            dependencies: [
                "ControlAPI", "Barcodes", arguments, nioCore, nioPosix, nioHTTP1,
                .target(name: "CXlsxWriter", condition: .when(traits: ["Spreadsheet"])),
            ],
            swiftSettings: strict),
        .target(name: "CBaseline", dependencies: ["CSQLite"], path: "Benchmarks/CBaseline"),
        .executableTarget(
            name: "traveler-bench", dependencies: ["Barcodes", "CBaseline", "Ledger", "Tracking", arguments],
            path: "Benchmarks/TravelerBench", swiftSettings: strict),
        .testTarget(name: "TrackingTests", dependencies: ["Tracking", "Barcodes"], swiftSettings: strict),
        .testTarget(
            name: "SystemTests", dependencies: ["travelerd", "travelerctl", "Barcodes"], swiftSettings: strict),
        .testTarget(name: "ControlAPITests", dependencies: ["ControlAPI"], swiftSettings: strict),
        .testTarget(
            name: "travelerctlTests",
            dependencies: ["travelerctl", "ControlAPI", "Barcodes", arguments, nioCore, nioPosix], swiftSettings: strict
        ),
        .testTarget(
            name: "ControlServerTests",
            dependencies: [
                "ControlServer", "ControlAPI", "Devices", "Ledger", "SiteFile", "Tracking", "Barcodes", "Line", logging,
                nioCore, nioPosix, nioHTTP1, nioSSL,
            ],
            swiftSettings: strict),
        .testTarget(name: "LabelsTests", dependencies: ["Labels"], swiftSettings: strict),
        .testTarget(name: "SiteFileTests", dependencies: ["SiteFile", "Tracking", "Barcodes"], swiftSettings: strict),
        .testTarget(name: "LedgerTests", dependencies: ["Ledger", "Tracking", "Barcodes"], swiftSettings: strict),
        .testTarget(
            name: "DevicesTests", dependencies: ["Devices", "Barcodes", "Labels", "Tracking", "CLinux"],
            swiftSettings: strict),
        .testTarget(
            name: "LineTests", dependencies: ["Line", "Devices", "Labels", "Ledger", "Tracking", "Barcodes"],
            swiftSettings: strict),
        .testTarget(name: "BarcodesTests", dependencies: ["Barcodes"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
