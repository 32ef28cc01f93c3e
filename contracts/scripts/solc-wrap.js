const fs=require('fs'),path=require('path');
const root=process.env.SOLC_NODE_MODULES||path.join(__dirname,'..','node_modules');
const solc=require(path.join(root,'solc'));
const a=process.argv.slice(2);
if(a.includes('--version')){ const v=solc.version(); console.log('solc, the solidity compiler commandline interface\nVersion: '+v); process.exit(0);}
if(!a.includes('--standard-json')){console.error('only --version and --standard-json are supported: '+a.join(' '));process.exit(1);}
const get=o=>{const i=a.indexOf(o);return i>=0?a[i+1]:null};
const bases=[get('--base-path')||process.cwd()]; a.forEach((x,i)=>{if(x==='--include-path')bases.push(a[i+1])});
const rest=a.filter((x,i)=>!x.startsWith('--')&&!['--base-path','--include-path','--allow-paths'].includes(a[i-1]));
const input=fs.readFileSync(rest[0]||0,'utf8');
const find=p=>{for(const b of [...bases,root]){const f=path.isAbsolute(p)?p:path.join(b,p); try{return{contents:fs.readFileSync(f,'utf8')}}catch(e){}} return{error:'File not found: '+p}};
process.stdout.write(solc.compile(input,{import:find}));
