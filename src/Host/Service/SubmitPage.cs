using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace VmSim.Host.Service;

/// <summary>
/// Submission from a page: a scenario is written there, and checked as it is; what is wrong with it stands beside it. Without its script
/// the page does the same when one of its two buttons is pressed.
/// </summary>
internal sealed class SubmitPage(ServiceApi api, JobStore store, JobScheduler scheduler, ScenarioChecks checks)
{
    /// <summary>The form has seven fields, with names of at most eight letters.</summary>
    private static readonly FormOptions Form = new()
    {
        ValueCountLimit = 16,
        KeyLengthLimit = 64,
        ValueLengthLimit = JobLimits.RequestBytesMax,
        BufferBodyLengthLimit = JobLimits.RequestBytesMax,
    };

    /// <summary>Declares the page.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder pages = routes.MapGroup("/submit").ExcludeFromDescription();
        pages.MapGet("", (HttpContext context) => ServiceHtml.Refusal(context, Role.Submitter) ?? Show(context, new SubmitFields(), null));
        pages.MapPost("", (Delegate)SubmitAsync).WithMetadata(new RoleNeeded(Role.Submitter));
    }

    private async Task<IResult> SubmitAsync(HttpContext context)
    {
        string kind = (context.Request.ContentType ?? "").Split(';')[0].Trim();
        if (!kind.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
        {
            return ServiceAuth.Problem(StatusCodes.Status415UnsupportedMediaType, "a form as this service's page sends it is allowed");
        }

        SubmitFields fields;
        try
        {
            fields = SubmitFields.Of(await context.Request.ReadFormAsync(Form, context.RequestAborted));
        }
        catch (InvalidDataException reason)
        {
            return ServiceAuth.Problem(StatusCodes.Status400BadRequest, reason.Message);
        }

        if (await checks.CheckAsync(fields.Scenario, hasText: !fields.IsCheck, context.RequestAborted) is not { } found)
        {
            return Show(context, fields, null, ServiceApi.ChecksBusy, StatusCodes.Status429TooManyRequests);
        }

        CheckVerdict verdict = ScenarioChecks.VerdictOf(found, scheduler.Caps);
        if (fields.IsCheck || !verdict.IsGood)
        {
            return Show(context, fields, verdict, "", fields.IsCheck ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
        }

        if (fields.Request(found, out string wrong) is not { } request)
        {
            return Show(context, fields, verdict, wrong, StatusCodes.Status400BadRequest);
        }

        if (api.ProblemOf(request) is { } refusal)
        {
            return Show(context, fields, verdict, refusal.Sentence, refusal.Status);
        }

        JobReceipt receipt = await scheduler.SubmitAsync(request, ServiceAuth.HolderOf(context)!.Name);
        if (receipt.Hint.Length > 0)
        {
            await store.LogAsync(receipt.Id, $"it may fail for a limit: {receipt.Hint}");
        }

        return Results.Redirect($"/jobs/{receipt.Id}");
    }

    private static IResult Show(
        HttpContext context, SubmitFields fields, CheckVerdict? verdict, string wrong = "", int status = StatusCodes.Status200OK)
    {
        StringBuilder main = new(ServiceHtml.AllJobs);
        if (wrong.Length > 0)
        {
            main.Append(ServiceHtml.Finding(wrong));
        }

        // The first line of a textarea is not its text, so that a text that begins with an empty line keeps it.
        main.Append(
            $"<form method=\"post\" action=\"/submit\" class=\"submit\"><div class=\"sides\"><div>"
                + "<label for=\"scenario\">Scenario</label>"
                + $"<textarea id=\"scenario\" name=\"scenario\" required maxlength=\"{CheckLimits.TextMax}\" spellcheck=\"false\" "
                + $"autocapitalize=\"off\" autocomplete=\"off\" wrap=\"off\" aria-describedby=\"verdict\" "
                + $"aria-invalid=\"{(verdict is { IsGood: false } ? "true" : "false")}\">\n"
                + $"{WebUtility.HtmlEncode(fields.Scenario)}</textarea>"
                + "</div><section aria-labelledby=\"check\"><h2 id=\"check\">Check</h2>"
                + $"<div id=\"verdict\" role=\"status\" aria-live=\"polite\"{(verdict is null ? "" : " data-is-of=\"text\"")}>"
                + $"{VerdictOf(verdict)}</div></section></div><div class=\"fields\">");
        Append(main, "name", "Name", fields.Name, $"maxlength=\"{JobLimits.NameMax}\"", "the scenario's if empty");
        Append(
            main, "priority", "Priority", fields.Priority, $"type=\"number\" min=\"0\" max=\"{JobLimits.PriorityMax}\" required",
            $"0 to {JobLimits.PriorityMax}, greater ones go first");
        Append(main, "memory", "Most memory", fields.Memory, "", "such as 4GiB; any if empty");
        Append(main, "time", "Longest time", fields.Time, "", "such as 2h, of one attempt; any if empty");
        Append(main, "virtual", "Longest virtual time", fields.VirtualTime, "", "such as 500ms; any if empty");
        main.Append(
            "</div><p><button name=\"do\" value=\"submit\">Submit</button> <button name=\"do\" value=\"check\">Check</button></p></form>"
                + "<p>Traces and sweeps are submitted by <code>vmsim submit</code>.</p>");
        return ServiceHtml.Page(context, "Submit a job", main.ToString(), PageScript.Submit, status);
    }

    private static string VerdictOf(CheckVerdict? verdict)
    {
        if (verdict is null)
        {
            return "<p>Not checked yet.</p>";
        }

        string place = verdict.Column > 0 ? $"line {verdict.Line}, column {verdict.Column}" : $"line {verdict.Line}";
        return $"<p{(verdict.IsGood ? "" : " class=\"finding\"")}>{ServiceHtml.Text(verdict.Says)}</p>"
            + (verdict.Line == 0
                ? ""
                : $"<p><a href=\"#scenario\" data-line=\"{verdict.Line}\" data-column=\"{verdict.Column}\">Go to {place}</a></p>");
    }

    private static void Append(StringBuilder main, string name, string label, string value, string more, string note) => main.Append(
        $"<div><label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" value=\"{ServiceHtml.Text(value)}\" "
            + $"autocomplete=\"off\" aria-describedby=\"{name}-note\" {more}><small id=\"{name}-note\">{note}</small></div>");
}
