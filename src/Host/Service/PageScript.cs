using System.Security.Cryptography;
using System.Text;
using VmSim.Host.Reporting;

namespace VmSim.Host.Service;

/// <summary>The one script of a page, which may run because its digest is in the page's policy.</summary>
internal sealed class PageScript
{
    /// <summary>Asks for the page again, and puts in what no key is at.</summary>
    public static readonly PageScript Live = new("live.js");

    /// <summary>Has a scenario checked as it is written.</summary>
    public static readonly PageScript Submit = new("submit.js");

    /// <summary>Sorts tables, as on pages of reports.</summary>
    public static readonly PageScript Tables = new("page.js");

    private PageScript(string name)
    {
        Text = HtmlResource.Read(name);
        Digest = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));
    }

    /// <summary>Its text.</summary>
    public string Text { get; }

    /// <summary>Its SHA-256 in base 64, as a policy has it.</summary>
    public string Digest { get; }
}
