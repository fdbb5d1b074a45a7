// The whole job of an integration with @figuro/chatwoot-sdk. Arguments: URL, token, URL for webhooks, their events, a picture in Base64.
const { default: Chatwoot } = require('@figuro/chatwoot-sdk')

async function main(url, token, hook, events) {
  const chatwoot = new Chatwoot({ config: { basePath: url, with_credentials: true, credentials: "include", token } })
  const accountId = (await chatwoot.profile.profile()).account_id
  const inbox = (await chatwoot.inboxes.list({ accountId })).payload[0]
  const subscriptions = events.split(',')
  await chatwoot.webhooks.create({ accountId, data: { url: hook, subscriptions } })
  const known = await chatwoot.contacts.search({ accountId, q: 'zoe@example.com' })
  const contact = await chatwoot.contacts.create({
    accountId, data: { inbox_id: inbox.id, name: 'Zoe Zed', email: 'zoe@example.com' },
  })
  const { id, contact_inbox: { source_id } } = { ...contact.payload.contact, ...contact.payload }
  const conversation = await chatwoot.conversations.create({
    accountId, data: { source_id, inbox_id: inbox.id, contact_id: id, status: 'open' },
  })
  const picture = { content: process.argv[6], encoding: 'base64', filename: 'screen.png' }
  const message = await chatwoot.messages.create({
    accountId, conversationId: conversation.id,
    data: { content: 'Grüße 👋', message_type: 'outgoing', private: false, attachments: [picture] },
  })
  await chatwoot.conversations.toggleStatus({
    accountId, conversationId: conversation.id, data: { status: 'resolved' },
  })
  const ended = await chatwoot.conversations.get({ accountId, conversationId: conversation.id })
  console.log(JSON.stringify({
    known: known.payload.length, conversation: conversation.id, message: message.content, status: ended.status,
  }))
}

main(...process.argv.slice(2, 6)).catch((error) => { console.error(error); process.exit(1) })
