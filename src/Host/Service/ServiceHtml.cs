using System.Net;
using Microsoft.AspNetCore.Http;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// What all pages of the service have: their frame, their style, and a policy by which they load nothing and run one script at most.
/// </summary>
internal static class ServiceHtml
{
    /// <summary>What pages are.</summary>
    public const string Kind = "text/html; charset=utf-8";

    private static readonly string Style = HtmlResource.Read("page.css") + HtmlResource.Read("service.css");

    /// <summary>A page.</summary>
    /// <param name="context">The request that it answers.</param>
    /// <param name="title">What it shows.</param>
    /// <param name="main">Its markup.</param>
    /// <param name="script">Its script; null for none.</param>
    /// <param name="status">The answer's status.</param>
    public static IResult Page(
        HttpContext context, string title, string main, PageScript? script = null, int status = StatusCodes.Status200OK)
    {
        context.Response.Headers.ContentSecurityPolicy = PolicyOf(script);
        string logout = ServiceAuth.HolderOf(context) is null
            ? ""
            : "<form method=\"post\" action=\"/logout\"><button>Sign out</button></form>";
        string run = script is null ? "" : $"<script>{script.Text}</script>";
        return Results.Text(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                + "content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" href=\"data:,\">"
                + $"<title>{Text(title)} - vmsim</title><style>\n{Style}</style></head><body>"
                + $"<header><h1>{Text(title)}</h1></header><main>{main}</main><footer>{logout}</footer>{run}</body></html>",
            Kind,
            statusCode: status);
    }

    /// <summary>Somebody who may not see a page: he signs in, or is told who may.</summary>
    /// <param name="context">The request.</param>
    /// <param name="role">The least role that the page needs.</param>
    /// <returns>The answer; null if he may.</returns>
    public static IResult? Refusal(HttpContext context, Role role) => ServiceAuth.HolderOf(context) switch
    {
        null or { Role: Role.Node } => Results.Redirect("/login"),
        { } holder when holder.Role < role => Page(
            context, "Not allowed", Finding(ServiceAuth.MayNot(holder, role)) + AllJobs, status: StatusCodes.Status403Forbidden),
        _ => null,
    };

    /// <summary>The way back to the list of jobs.</summary>
    public const string AllJobs = "<p><a href=\"/\">All jobs</a></p>";

    /// <summary>A sentence that says what is wrong.</summary>
    public static string Finding(string sentence) => $"<p class=\"finding\" role=\"alert\">{Text(sentence)}</p>";

    /// <summary>Text, of which nothing is markup.</summary>
    public static string Text(string text) => WebUtility.HtmlEncode(PlainWriter.Plain(text));

    private static string PolicyOf(PageScript? script) => "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        + (script is null ? "" : $"script-src 'sha256-{script.Digest}'; connect-src 'self'; ")
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
}
