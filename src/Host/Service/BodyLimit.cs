using Microsoft.AspNetCore.Http.Metadata;

namespace VmSim.Host.Service;

/// <summary>The longest body that an endpoint takes.</summary>
/// <param name="MaxRequestBodySize">Bytes.</param>
internal sealed record BodyLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
