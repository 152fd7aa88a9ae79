using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace VmSim.Host.Service;

/// <summary>
/// Who asks: the holder of the token that a request brings, as a bearer token (RFC 6750) or, from a browser, in a cookie. A request with a
/// cookie changes something only if it comes from a page of this service.
/// </summary>
/// <param name="tokens">Whose token is which.</param>
/// <param name="log">Takes refusals.</param>
internal sealed class ServiceAuth(TokenFile tokens, ILogger<ServiceAuth> log)
{
    /// <summary>Name of the cookie.</summary>
    public const string Cookie = "vmsim-token";

    private const string Scheme = "Bearer ";
    private const string HolderKey = "vmsim.holder";

    /// <summary>Who asks.</summary>
    public static TokenHolder? HolderOf(HttpContext context) => context.Items[HolderKey] as TokenHolder;

    /// <summary>
    /// Finds out who asks, and whether he may: before anything of a request's body is read. An endpoint without
    /// <see cref="RoleNeeded"/> is everybody's.
    /// </summary>
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        string? header = context.Request.Headers.Authorization;
        bool isBearer = header?.StartsWith(Scheme, StringComparison.Ordinal) == true;
        string? token = isBearer ? header![Scheme.Length..] : context.Request.Cookies[Cookie];
        TokenHolder? holder = token is not null && (isBearer || IsSafe(context)) ? tokens.Find(token) : null;
        context.Items[HolderKey] = holder;
        RoleNeeded? needed = context.GetEndpoint()?.Metadata.GetMetadata<RoleNeeded>();
        if (needed is null || (holder is not null && needed.Allows(holder.Role)))
        {
            return next(context);
        }

        if (holder is not null)
        {
            return Problem(StatusCodes.Status403Forbidden, MayNot(holder, needed.Role)).ExecuteAsync(context);
        }

        ServiceLog.Refused(log, $"{context.Connection.RemoteIpAddress}", context.Request.Method, $"{context.Request.Path}");
        context.Response.Headers.WWWAuthenticate = "Bearer";
        string why = token is null ? "a token is needed: Authorization: Bearer TOKEN"
            : isBearer ? "this token does not count here; vmsim tokens add NAME makes one, for the store of this service"
            : IsSafe(context) ? "this token does not count here; sign in anew"
            : "a form is taken only from a page of this service";
        return Problem(StatusCodes.Status401Unauthorized, why).ExecuteAsync(context);
    }

    /// <summary>An answer that says what is wrong.</summary>
    public static IResult Problem(int status, string sentence) =>
        Results.Json(new ServiceProblem(sentence), ServiceJson.Options, statusCode: status);

    /// <summary>Says that somebody may not do what a role may.</summary>
    public static string MayNot(TokenHolder holder, Role needed) =>
        $"{holder.Name} is a {Name(holder.Role)}; {(needed == Role.Operator ? "an" : "a")} {Name(needed)} may do this";

    private static string Name(Role role) => role.ToString().ToLowerInvariant();

    /// <summary>Whether a browser sent the request from a page of this service, or it changes nothing (Fetch Metadata, RFC 6454).</summary>
    public static bool IsSafe(HttpContext context)
    {
        HttpRequest request = context.Request;
        return HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
            || string.Equals(request.Headers.Origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
    }
}
